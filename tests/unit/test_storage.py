from __future__ import annotations

import os
import time
from pathlib import Path
from typing import IO

import pytest

from smm4h_core.errors import DataError
from smm4h_core.storage import open_storage


def test_storage_round_trips_json(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path)).child("a", "b")
    storage.write_json("x.json", {"кто": [1, None, "я"]})
    assert storage.read_json("x.json") == {"кто": [1, None, "я"]}
    assert (tmp_path / "a/b/x.json").is_file()


def test_storage_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path))
    storage.write_json("x.json", 1)

    def half(stream: IO[bytes]) -> None:
        stream.write(b"2")
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        storage.write("x.json", half)
    assert storage.read_json("x.json") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_storage_read_names_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.json: no such file"):
        open_storage(str(tmp_path)).read_json("none.json")


def test_storage_read_json_names_a_file_that_was_cut_short(tmp_path: Path) -> None:
    (tmp_path / "cut.json").write_text('{"a": ')
    with pytest.raises(DataError, match=r"cut\.json: not JSON"):
        open_storage(str(tmp_path)).read_json("cut.json")


def test_storage_refuses_an_unknown_kind_of_uri() -> None:
    with pytest.raises(DataError, match=r"ftq://place: expected a folder or a known URI"):
        open_storage("ftq://place")


def test_storage_delete_unfinished_leaves_what_another_process_is_writing(tmp_path: Path) -> None:
    old, fresh = tmp_path / "a.json.1.partial", tmp_path / "b.json.2.partial"
    for path in (old, fresh):
        path.write_text("{")
    os.utime(old, (time.time() - 7200,) * 2)
    open_storage(str(tmp_path)).delete_unfinished()
    assert [path.name for path in tmp_path.iterdir()] == [fresh.name]


def test_storage_takes_a_uri(tmp_path: Path) -> None:
    storage = open_storage(f"file://{tmp_path}")
    storage.write_json("x.json", 1)
    assert open_storage(str(tmp_path)).exists("x.json")


def test_storage_delete_is_quiet_about_what_is_gone(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path))
    storage.write_json("x.json", 1)
    storage.delete("x.json")
    storage.delete("x.json")
    assert not storage.exists("x.json")
