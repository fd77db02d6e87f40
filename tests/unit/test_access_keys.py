from __future__ import annotations

from pathlib import Path

import pytest

from smm4h_core.access_keys import add_key, find_key, read_keys, revoke_key
from smm4h_core.errors import ConfigError


def test_keys_are_kept_as_digests_that_others_cannot_read(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    key = add_key(path, "alice", ["predict"])
    other = add_key(path, "scraper", ["metrics"])
    assert key not in path.read_text() and other not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    keys = read_keys(path)
    assert [each.name for each in keys] == ["alice", "scraper"]
    assert find_key(keys, key).scopes == ("predict",)
    assert find_key(keys, other).name == "scraper"


@pytest.mark.parametrize("wrong", ["", "smm4h_", "ключ", "\ud800"])
def test_find_key_knows_no_wrong_key(tmp_path: Path, wrong: str) -> None:
    add_key(tmp_path / "keys.json", "alice", ["predict"])
    assert find_key(read_keys(tmp_path / "keys.json"), wrong) is None


def test_revoked_keys_are_gone(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    key = add_key(path, "alice", ["predict"])
    revoke_key(path, "alice")
    assert find_key(read_keys(path), key) is None
    with pytest.raises(ConfigError, match="expected one of none, got 'alice'"):
        revoke_key(path, "alice")


@pytest.mark.parametrize(
    ("name", "scopes"),
    [("../x", ["predict"]), ("bob", []), ("bob", ["root"]), ("alice", ["admin"])],
)
def test_add_key_refuses_what_does_not_fit(tmp_path: Path, name: str, scopes: list[str]) -> None:
    add_key(tmp_path / "keys.json", "alice", ["predict"])
    with pytest.raises(ConfigError):
        add_key(tmp_path / "keys.json", name, scopes)


def test_read_keys_refuses_a_file_that_others_can_read(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    add_key(path, "alice", ["predict"])
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="0004"):
        read_keys(path)


@pytest.mark.parametrize("content", ["", "{}", '[{"name": "a"}]', '[{"name": "a", "scopes": 1}]'])
def test_read_keys_refuses_a_file_of_something_else(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.touch(0o600)
    path.write_text(content)
    with pytest.raises(ConfigError, match="not a file of keys"):
        read_keys(path)
