"""Posts in a data frame, answers beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from smm4h_core.errors import DataError
from smm4h_core.pipeline import Pipeline
from smm4h_core.reports import (
    ANSWER_COLUMNS,
    PAIR_COLUMNS,
    RowKind,
    pairs_to_cells,
    report_to_cells,
)
from smm4h_core.tables.rows import ID_COLUMNS, LANG_COLUMN, TEXT_COLUMNS
from smm4h_core.types import Lang, Post

if TYPE_CHECKING:
    import pandas as pd


def process_frame(
    pipeline: Pipeline,
    frame: pd.DataFrame,
    *,
    rows: RowKind = "posts",
    extract_all: bool = False,
) -> pd.DataFrame:
    """A copy of a frame with answers behind its own columns, of `smm4h_core.reports`.

    Args:
        pipeline: Answers.
        frame: Its column ``text`` or ``tweet`` holds the posts; ``lang``, where there is one,
            their language (``en``, ``ru`` or nothing); ``post_id``, ``tweet_id`` or ``id`` names
            them in errors, else their place in the index does.
        rows: A row a post, with ``ANSWER_COLUMNS``, and the index as it is; or a row for each drug
            and effect said of it, with ``PAIR_COLUMNS`` and the post's cells and place in the
            index repeated: a post that mentions no effect then has none.
        extract_all: As for `Pipeline.process`.

    Raises:
        DataError: no such column, a text that is none, an unknown language, or a column that an
            answer's would replace.
    """
    text = next((name for name in TEXT_COLUMNS if name in frame.columns), None)
    if text is None:
        came = ", ".join(map(str, frame.columns))
        raise DataError(f"expected a column {' or '.join(TEXT_COLUMNS)}, got {came}")
    answers = ANSWER_COLUMNS if rows == "posts" else PAIR_COLUMNS
    if taken := [name for name in answers if name in frame.columns]:
        raise DataError(f"expected no column named {taken[0]}, under which answers are written")
    named = next((name for name in ID_COLUMNS if name in frame.columns), None)
    ids = map(str, frame[named] if named else frame.index)
    langs = frame[LANG_COLUMN] if LANG_COLUMN in frame.columns else [None] * len(frame)
    posts = [
        Post(post_id, _read_text(value, post_id), _read_lang(lang, post_id))
        for post_id, value, lang in zip(ids, frame[text], langs, strict=True)
    ]
    reports = pipeline.process(posts, extract_all=extract_all)
    if rows == "posts":
        cells = [report_to_cells(each) for each in reports]
    else:
        found = [pairs_to_cells(each) for each in reports]
        cells = [pair for pairs in found for pair in pairs]
        frame = frame.iloc[[n for n, pairs in enumerate(found) for _ in pairs]]
    return frame.assign(**{name: [each[name] for each in cells] for name in answers})


def _read_text(value: object, post_id: str) -> str:
    if not isinstance(value, str):
        raise DataError(f"post {post_id!r}: expected a text, got {value!r:.40}")
    return value


def _read_lang(value: object, post_id: str) -> Lang | None:
    import pandas as pd

    if isinstance(value, str) and value in ("en", "ru"):
        return cast("Lang", value)
    # pandas's own NA is neither equal to anything nor not.
    if value is None or value is pd.NA or value == "" or value != value:
        return None
    raise DataError(f"post {post_id!r}: expected lang en, ru or none, got {value!r:.20}")
