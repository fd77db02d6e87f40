from pathlib import Path

import pandas as pd
import pytest

from smm4h_core import load_bundle
from smm4h_core.errors import DataError
from smm4h_core.frames import process_frame
from smm4h_core.pipeline import Pipeline
from smm4h_core.reports import ANSWER_COLUMNS


@pytest.fixture(scope="module")
def pipeline(tiny_bundle: Path) -> Pipeline:
    return load_bundle(str(tiny_bundle))


def test_process_frame_keeps_index_and_columns_and_adds_answers(pipeline: Pipeline) -> None:
    frame = pd.DataFrame(
        {"likes": [3, 4], "tweet": ["my head hurts", "it works"], "lang": ["en", None]},
        index=[70, 71],
    )
    answered = process_frame(pipeline, frame)
    assert list(answered.columns) == ["likes", "tweet", "lang", *ANSWER_COLUMNS]
    assert list(answered.index) == [70, 71]
    assert list(frame.columns) == ["likes", "tweet", "lang"]
    reports = pipeline.process(["my head hurts", "it works"])
    assert list(answered["ade_prob"]) == [report.ade.prob for report in reports]
    assert len(process_frame(pipeline, frame.iloc[:0])) == 0


def test_a_language_may_be_missing_in_any_of_pandas_s_ways(pipeline: Pipeline) -> None:
    for missing in (pd.array(["en", pd.NA], "string"), ["en", float("nan")], ["en", ""]):
        frame = pd.DataFrame({"text": ["it hurts", "it works"], "lang": missing})
        assert len(process_frame(pipeline, frame)) == 2


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"body": ["a"]}, "expected a column text or tweet, got body"),
        ({"text": [float("nan")]}, "post '0': expected a text, got nan"),
        ({"text": ["a"], "lang": ["de"]}, "post '0': expected lang en, ru or none, got 'de'"),
        ({"text": ["a"], "id": ["x"], "lang": ["ru"]}, "post 'x': expected one of the bundle's"),
        ({"text": ["a"], "bundle": ["mine"]}, "expected no column named bundle"),
    ],
)
def test_process_frame_says_what_does_not_fit(
    pipeline: Pipeline, columns: dict[str, list[object]], says: str
) -> None:
    with pytest.raises(DataError, match=says):
        process_frame(pipeline, pd.DataFrame(columns))
