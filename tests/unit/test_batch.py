import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smm4h_core.batch import answer_rows, open_lines, open_table, write_answers
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

    with pytest.raises(DataError, match=r"in.csv:3"):
        open_table(path)


def test_open_lines_makes_a_table_of_ids_and_texts(pipeline: Pipeline, tmp_path: Path) -> None:
    source = open_lines([b"slept\n", b"nothing\n"], "stdin", lang="en")

    write_answers(tmp_path / "out.parquet", source, answer_rows(pipeline, source))

    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [(row["post_id"], row["text"]) for row in rows] == [("1", "slept"), ("2", "nothing")]
