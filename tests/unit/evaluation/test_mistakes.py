import csv
import io

from smm4h_core.evaluation.mistakes import find_mistakes, format_mistakes
from smm4h_core.evaluation.mistakes_page import format_mistakes_page
from smm4h_core.types import AnnotatedPost, FoundMention, Mention, Post, Span

TEXT = "awful <rash>, bad dreams & no sleep"


def mention(words: str, kind: str = "ADE") -> Mention:
    at = TEXT.index(words)
    return Mention(Span(at, at + len(words)), words, kind)


def found(words: str, kind: str = "ADE") -> FoundMention:
    return FoundMention(mention(words, kind), 0.75, 2, 3)


def annotated(*mentions: Mention) -> AnnotatedPost:
    return AnnotatedPost(Post("p<1>", TEXT, "en"), True, mentions)


def test_find_mistakes_tells_the_four_kinds_apart() -> None:
    gold = annotated(mention("rash"), mention("bad dreams"), mention("no sleep"))
    preds = [found("awful <rash>"), found("bad dreams", "DRUG"), found("&")]
    ((post),) = find_mistakes([gold], [preds])
    assert [each.kind for each in post.mistakes] == ["boundary", "type", "spurious", "missed"]


def test_find_mistakes_pairs_equal_boundaries_first() -> None:
    gold = annotated(mention("bad dreams"))
    ((post),) = find_mistakes([gold], [[found("bad dreams & no sleep"), found("bad dreams")]])
    assert [(each.kind, each.found and each.found.mention.text) for each in post.mistakes] == [
        ("spurious", "bad dreams & no sleep")
    ]


def test_find_mistakes_leaves_out_what_is_right() -> None:
    assert find_mistakes([annotated(mention("rash"))], [[found("rash")]]) == []


def test_format_mistakes_is_a_line_a_mistake() -> None:
    wrong = find_mistakes([annotated(mention("no sleep"))], [[found("rash")]])
    rows = list(csv.DictReader(io.StringIO(format_mistakes(wrong))))
    assert [(row["kind"], row["gold_text"], row["pred_text"]) for row in rows] == [
        ("spurious", "", "rash"),
        ("missed", "no sleep", ""),
    ]
    assert (rows[0]["post_id"], rows[0]["prob"], rows[0]["votes"]) == ("p<1>", "0.75", "2")


def test_page_marks_spans_escapes_everything_and_fetches_nothing() -> None:
    gold = annotated(mention("<rash>"), mention("no sleep"))
    wrong = find_mistakes([gold], [[found("rash"), found("&")]])
    page = format_mistakes_page(wrong, title="a <b> & c")
    assert "<title>a &lt;b&gt; &amp; c</title>" in page
    assert '<span class="gold pred">rash</span>' in page
    assert '<span class="gold">&lt;</span>' in page
    assert '<span class="pred">&amp;</span>' in page
    assert "p&lt;1&gt;" in page
    assert "<rash>" not in page
    assert not any(word in page for word in ("http:", "https:", "<script", "url("))


def test_page_takes_half_a_surrogate_pair() -> None:
    post = AnnotatedPost(Post("1", "\ud83d rash"), True, (Mention(Span(2, 6), "rash"),))
    wrong = find_mistakes([post], [[]])
    assert format_mistakes_page(wrong, title="t").encode("utf-8")


def test_line_takes_half_a_surrogate_pair_and_line_ends() -> None:
    text = "\ud83d rash\r\nand pain"
    post = AnnotatedPost(Post("1", text), True, (Mention(Span(0, len(text)), text),))
    lines = format_mistakes(find_mistakes([post], [[]])).encode("utf-8").decode("utf-8")
    (row,) = csv.DictReader(io.StringIO(lines, newline=""))
    assert row["gold_text"] == "? rash\r\nand pain"
