import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smm4h_core.batch import (
    answer_in_parts,
    answer_rows,
    open_lines,
    open_table,
    refuse_doubled_ids,
    write_answers,
)
from smm4h_core.errors import DataError
from smm4h_core.pipeline import Pipeline, load_pipeline
from smm4h_core.reports import ANSWER_COLUMNS
from smm4h_core.types import Post


@pytest.fixture(scope="module")
def pipeline(tiny_bundle: Path) -> Pipeline:
    return load_pipeline(tiny_bundle)


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    lines = [{"id": 2**60 + n, "text": f"slept {n} hours", "more": {"n": n}} for n in range(2100)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_answer_rows_answers_as_the_pipeline_does_across_chunks(
    pipeline: Pipeline, posts: Path
) -> None:
    source = open_table(posts, lang="en")

    answered = list(answer_rows(pipeline, source))

    assert source.num_rows == len(answered) == 2100
    assert [report.post_id for _, report in answered] == [str(2**60 + n) for n in range(2100)]
    row, report = answered[2050]
    (alone,) = pipeline.process([Post(row.post.post_id, "slept 2050 hours", "en")])
    assert report.ade.prob == pytest.approx(alone.ade.prob, abs=1e-5)


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_write_answers_keeps_typed_columns(
    pipeline: Pipeline, posts: Path, tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / f"out{suffix}"
    source = open_table(posts)

    write_answers(out, source, answer_rows(pipeline, source))

    if suffix == ".jsonl":
        rows = [json.loads(line) for line in out.read_text().splitlines()]
    else:
        assert pq.read_schema(out).field("id").type == pa.int64()
        rows = pq.read_table(out).to_pylist()
    assert len(rows) == 2100
    assert list(rows[0]) == ["id", "text", "more", *ANSWER_COLUMNS]
    assert rows[-1]["id"] == 2**60 + 2099
    assert rows[-1]["more"] == {"n": 2099}
    assert {row["bundle"] for row in rows} == {"tiny@1"}
    assert all(row["ade_label"] == ("ADE" if row["ade_prob"] >= 0.5 else "NoADE") for row in rows)


def test_write_answers_refuses_columns_of_the_answers_names(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    path = tmp_path / "in.csv"
    path.write_text("id,text,bundle\n1,a,mine\n")
    source = open_table(path)

    with pytest.raises(DataError, match=r"in.csv: expected no column named .*; got bundle"):
        write_answers(tmp_path / "out.csv", source, answer_rows(pipeline, source))

    assert not (tmp_path / "out.csv").exists()


def test_open_table_refuses_a_bad_row_before_any_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("id,text\n1,a\n,b\n")

    with pytest.raises(
        DataError, match=r"in.csv:3: .*; a folder for errors \(--errors\) would leave"
    ):
        open_table(path)


def test_open_lines_makes_a_table_of_ids_and_texts(pipeline: Pipeline, tmp_path: Path) -> None:
    source = open_lines([b"slept\n", b"nothing\n"], "stdin", lang="en")

    write_answers(tmp_path / "out.parquet", source, answer_rows(pipeline, source))

    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [(row["post_id"], row["text"]) for row in rows] == [("1", "slept"), ("2", "nothing")]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ".csv", ".tsv"])
def test_killed_answer_goes_on_and_ends_as_an_undisturbed_one(
    pipeline: Pipeline, posts: Path, tmp_path: Path, suffix: str
) -> None:
    whole, cut = tmp_path / f"whole{suffix}", tmp_path / f"cut{suffix}"
    rows_told = []

    def die(rows: int) -> None:
        rows_told.append(rows)
        if len(rows_told) == 1350:
            raise KeyboardInterrupt

    def answer(on_rows, path: Path = cut) -> dict[str, int]:
        return answer_in_parts(
            *(pipeline, open_table(posts, lang="en"), path),
            job={"bundle": "tiny"},
            part_rows=500,
            on_rows=on_rows,
        )

    with pytest.raises(KeyboardInterrupt):
        answer(die)
    assert not cut.exists()
    told: list[int] = []
    counts = answer(told.append)
    assert (told[0], sum(told), counts["posts"]) == (1000, 2100, 2100)
    assert counts["resumed"] == 1000
    assert answer(lambda _: None, whole) == {**counts, "resumed": 0}
    if suffix == ".parquet":
        assert pq.read_table(cut).equals(pq.read_table(whole))
    else:
        assert cut.read_bytes() == whole.read_bytes()
    labels = [report.ade.is_ade for _, report in answer_rows(pipeline, open_table(posts))]
    assert counts["positives"] == sum(labels)
    assert not list(tmp_path.glob(".*"))


def test_open_table_tells_of_bad_rows_and_leaves_them_out(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    good = [{"id": 2**60 + n, "text": f"slept {n} hours"} for n in range(4)]
    lines = [json.dumps(each) for each in good]
    lines[2:2] = ["{", '{"id": 1.5, "text": "a"}', '{"id": 7}', "[]"]
    path = tmp_path / "in.jsonl"
    path.write_bytes("\n".join(lines).encode() + b'\n{"id": 8, "text": "\xff"}\n')
    errors = tmp_path / "errors"
    source = open_table(path, lang="en", errors=errors)
    assert (source.num_rows, source.num_bad) == (4, 5)
    write_answers(tmp_path / "out.parquet", source, answer_rows(pipeline, source))
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    # A fraction among the ids would have made all of them fractions.
    assert [row["id"] for row in rows] == [each["id"] for each in good]
    with (errors / "rows.csv").open(newline="") as stream:
        header, *told = csv.reader(stream)
    assert header == ["place", "reason", "row"]
    assert [place for place, *_ in told] == [f"{path}:{n}" for n in (3, 4, 5, 6, 9)]
    assert "expected UTF-8, got byte 0xff" in told[-1][1]
    rows = ["{", '{"id": 1.5, "text": "a"}', '{"id": 7}', "[]", '{"id": 8, "text": "\\udcff"}']
    assert [row for *_, row in told] == rows


@pytest.mark.parametrize(
    ("name", "content", "bad"),
    [
        (
            "in.tsv",
            b"id\ttext\n1\ta\n2\n3\t\xff\n4\td\n\t e\n6\tf\textra\r\n7\t\xff\textra\n",
            {3: "2", 4: "3\t\\udcff", 6: "\t e", 7: "6\tf\textra", 8: "7\t\\udcff\textra"},
        ),
        (
            "in: of: mine.csv",
            b'id,text\n1,a\n2\n3,\xff\n4,"d\nd"\n,"e, f"\n8,"no sleep\nat all",x\n',
            {3: "2", 4: "3,\\udcff", 7: ',"e, f"', 8: '8,"no sleep\nat all",x'},
        ),
    ],
)
def test_open_table_leaves_out_bad_rows_of_each_kind_of_table(
    tmp_path: Path, name: str, content: bytes, bad: dict[int, str]
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    source = open_table(path, errors=tmp_path / "errors")
    assert [row.post.post_id for row in source.rows] == ["1", "4"]
    with (tmp_path / "errors" / "rows.csv").open(newline="") as stream:
        told = [(place, row) for place, _, row in list(csv.reader(stream))[1:]]
    assert told == [(f"{path}:{n}", row) for n, row in bad.items()]
    path.write_text("id,text\n1,a\n" if path.suffix == ".csv" else "id\ttext\n1\ta\n")
    assert open_table(path, errors=tmp_path / "errors").num_bad == 0
    assert not (tmp_path / "errors" / "rows.csv").exists()


def test_open_table_leaves_out_what_its_answers_cannot_hold(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("id,text\n1,a\n1,b\n2,c\n")
    source = open_table(path, accept=refuse_doubled_ids, errors=tmp_path / "errors")
    assert [row.post.text for row in source.rows] == ["a", "c"]
    assert source.num_bad == 1


def test_open_table_keeps_rows_of_parquet_as_json(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    rows = [{"id": 1, "text": "a", "x": 0.5}, {"id": 2, "text": None, "x": float("nan")}]
    pq.write_table(pa.Table.from_pylist(rows), path)
    assert [row.post.post_id for row in open_table(path, errors=tmp_path / "errors").rows] == ["1"]
    with (tmp_path / "errors" / "rows.csv").open(newline="") as stream:
        (told,) = csv.DictReader(stream)
    assert json.loads(told["row"]) == {"id": 2, "text": None, "x": None}


def test_open_table_does_not_write_over_the_rows_that_it_is_given(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("id,text\n1,mended\n")
    with pytest.raises(DataError, match="expected another folder for errors"):
        open_table(path, errors=tmp_path)
    assert path.read_text() == "id,text\n1,mended\n"
