from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.marked.printable import make_printable
from smm4h_core.marked.report_page import format_article, format_report_page
from smm4h_core.types import FoundMention, Link, Mention, Post, Report, Span
from tests.unit.marked.conftest import Answer, found

_VOID = {"meta"}


class Outline(HTMLParser):
    """A page's elements, ids, links and texts; refuses elements that are not closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.post = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.ids += [given["id"]] if given.get("id") else []
        self.links += [given["href"]] if given.get("href") else []
        assert not any(name.startswith("on") or name == "src" for name in given)
        if tag not in _VOID:
            self.open.append("post" if given.get("dir") == "auto" else tag)

    def handle_endtag(self, tag: str) -> None:
        last = self.open.pop()
        assert last == tag or (last, tag) == ("post", "p")

    def handle_data(self, data: str) -> None:
        if "post" in self.open and "sup" not in self.open:
            self.post += data


def page_of(*answered: tuple[Post, Report]) -> str:
    return "".join(format_report_page(answered, title="a <b> & c"))


def test_report_page_is_whole_and_fetches_nothing(answer: Answer) -> None:
    text = "awful <rash> & no sleep"
    link = Link("HP:1", "Rash <of skin>", "learned", 1.0)
    page = page_of(
        answer(text, found(text, "<rash>", link=link), found(text, "no sleep"), drug="awful"),
        answer("<script>alert(1)</script>", post_id="18"),
    )
    outline = Outline(page)
    assert "<title>a &lt;b&gt; &amp; c</title>" in page
    assert "HP:1 Rash &lt;of skin&gt;" in page
    assert "ADE, prob 0.93, votes 10 of 10" in page
    assert outline.tags.count("article") == 2
    assert "script" not in outline.tags
    assert not any(word in page for word in ("http:", "https:", "url(", "@import"))
    assert "prefers-color-scheme: dark" in page


def test_report_page_leads_from_each_mark_to_its_row_and_names_nothing_twice(
    answer: Answer,
) -> None:
    text = "dry eyes, mouth"
    answered = answer(text, found(text, "dry", "mouth"), found(text, "eyes", context=("history",)))
    outline = Outline(page_of(answered, answered))
    assert len(outline.ids) == len(set(outline.ids)) == 6
    assert outline.links == ["#p1m1", "#p1m2", "#p1m1", "#p2m1", "#p2m2", "#p2m1"]
    assert {link.removeprefix("#") for link in outline.links} <= set(outline.ids)
    article = format_article(*answered)
    assert "ADE 1 …" in article
    assert "… ADE 1" in article
    assert '<mark class="aside">eyes' in article
    assert "<td>history</td>" in article


def test_report_page_shows_where_marks_overlap(answer: Answer) -> None:
    text = "bad pain in legs"
    article = format_article(*answer(text, found(text, text), found(text, "pain")))
    assert '<mark class="ade">bad </mark><mark class="ade several">pain<sup>' in article


@given(
    st.text(st.characters(codec=None), min_size=1, max_size=60),
    st.lists(st.tuples(st.integers(0, 59), st.integers(1, 20)), max_size=4),
)
def test_report_page_holds_any_post_letter_for_letter(
    text: str, places: list[tuple[int, int]]
) -> None:
    mentions = []
    for start, length in places:
        at = start % len(text)
        end = min(len(text), at + length)
        mentions.append(FoundMention(Mention(Span(at, end), text[at:end]), 0.5, 1, 2))
    report = Report("1", "en", None, (), "x@1", tuple(mentions))
    page = page_of((Post("1", text), report))
    assert page.encode("utf-8")
    assert Outline(page).post == make_printable(text)
