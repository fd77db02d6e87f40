from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.marking import mark_post
from serve.page import CONTENT_SECURITY_POLICY, draw_molecule, format_page
from smm4h_core.types import (
    AdeDecision,
    Candidate,
    DrugMention,
    DrugTie,
    FoundMention,
    Link,
    Mention,
    Post,
    Report,
    Span,
)

TEXT = '<img src=x onerror=alert(1)> seroquel & "numb" arms'
POST = Post("1", TEXT, "en")


def found(start: int, end: int, text: str = TEXT) -> FoundMention:
    candidates = (Candidate("C1", "<b>numb</b>", 0.7, "similarity", 1),)
    link = Link("C1", "Numb <i>arms</i>", "similarity", 0.7, candidates)
    return FoundMention(Mention(Span(start, end), text[start:end]), 0.9, 2, 3, ("negated",), link)


def report(*mentions: FoundMention) -> Report:
    at = TEXT.index("seroquel")
    drug = DrugMention(Span(at, at + 8), "seroquel", "quetiapine", "CCO")
    return Report("1", "en", AdeDecision(0.93, True, 9, 10), (drug,), "tiny@1", mentions)


class Reader(HTMLParser):
    """What a browser makes of the page: tags with their attributes, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


def test_page_shows_all_that_is_known_and_runs_nothing_of_the_post() -> None:
    at = TEXT.index('"numb"')
    html = format_page(
        label="tiny@1", signed_in=True, post=POST, report=report(found(at, len(TEXT)))
    )
    page = read(html)
    tags = {tag for tag, _ in page.tags}
    assert "script" not in tags and "b" not in tags and "i" not in tags
    assert [a for tag, a in page.tags if tag == "img"] == [
        {"src": page_image(html), "alt": "Structure of quetiapine"}
    ]
    for said in ("0.93", "9 of 10", "quetiapine", "Numb <i>arms</i> (C1), 0.70", "negated", TEXT):
        assert said in page.text, said


def test_page_says_which_drug_each_effect_is_said_of() -> None:
    effect = found(TEXT.index('"numb"'), len(TEXT))
    (drug,) = report().drugs
    for ties, said in (((DrugTie(drug, 0.9),), "quetiapine"), ((), "none named")):
        told = report(replace(effect, drugs=ties))
        html = format_page(label="tiny@1", signed_in=True, post=POST, report=told)
        effects = read(html.partition("<h3>Effects</h3>")[2]).text
        assert said in effects


def page_image(html: str) -> str:
    (source,) = re.findall(r'src="(data:image/svg\+xml;base64,[^"]+)"', html)
    return str(source)


def test_page_fetches_nothing_and_styles_by_hash_alone() -> None:
    html = format_page(label="tiny@1", signed_in=True, post=POST, report=report())
    assert not re.search(r"(?:href|src)=\"(?!data:)", html)
    assert " style=" not in html
    assert "default-src 'none'" in CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "script-src" not in CONTENT_SECURITY_POLICY


def test_page_labels_every_field_and_lets_tables_be_scrolled_by_keyboard() -> None:
    for signed_in in (True, False):
        page = read(format_page(label="t@1", signed_in=signed_in, post=POST, report=report()))
        labels = {attributes["for"] for tag, attributes in page.tags if tag == "label"}
        fields = {a["id"] for tag, a in page.tags if tag in ("input", "textarea")}
        assert labels == fields
    assert all(a["tabindex"] == "0" for t, a in page.tags if a.get("class") == "wide")


@given(
    text=st.text(min_size=1, max_size=30),
    cuts=st.lists(st.tuples(st.integers(0, 29), st.integers(1, 30)), max_size=4),
)
def test_mark_post_keeps_the_text(text: str, cuts: list[tuple[int, int]]) -> None:
    spans = [(a, min(b, len(text))) for a, b in cuts if a < min(b, len(text))]
    mentions = tuple(found(a, b, text) for a, b in spans)
    marked = mark_post(Post("1", text), Report("1", "en", None, (), "t@1", mentions))
    plain = re.sub(r"<sup>A</sup>", "", marked)
    shown = read(plain.replace("\r", "&#13;").replace("\x00", "\ufffd")).text
    assert shown == text.replace("\x00", "\ufffd")
    assert all(a <= b for a, b in pairwise(sorted(p for span in spans for p in span)))


@pytest.mark.parametrize(("smiles", "drawn"), [("CCO", True), ("not a molecule", False)])
def test_draw_molecule_draws_molecules(
    smiles: str, drawn: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    svg = draw_molecule(smiles)
    assert (svg is not None) == drawn
    assert svg is None or "<svg" in svg
    assert capfd.readouterr().err == ""
