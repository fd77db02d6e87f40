"""Every shape of a corpus is read, refused with its line, and written back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smm4h_core.corpora.shapes import Task
from smm4h_core.corpora.smm4h import read_annotated, read_posts, write_annotated
from smm4h_core.errors import DataError
from smm4h_core.types import AnnotatedPost, Mention, Post, Span

# 2**53 + 1 is the first integer that a float cannot hold.
BIG_ID = "9007199254740993"
TEXT = "seroquel made me SLEEPY, so \U0001f634 sleepy"


def _file(folder: Path, *rows: str, name: str = "corpus.tsv", end: str = "\n") -> Path:
    path = folder / name
    path.write_bytes("".join(row.replace("|", "\t") + end for row in rows).encode())
    return path


def _folder(folder: Path, **files: list[str]) -> Path:
    for stem, rows in files.items():
        _file(folder, *rows, name=f"{stem}.tsv")
    return folder


def test_read_annotated_reads_one_file_of_task_1a(tmp_path: Path) -> None:
    path = _file(tmp_path, "tweet_id|tweet|label", f'{BIG_ID}|a "b|ADE', "2|c|NoADE", end="\r\n")
    assert read_annotated(path, "1a", lang="en") == [
        AnnotatedPost(Post(BIG_ID, 'a "b', "en"), label=True, group=BIG_ID),
        AnnotatedPost(Post("2", "c", "en"), label=False, group="2"),
    ]


def test_read_annotated_reads_older_files_of_task_2_with_their_authors(tmp_path: Path) -> None:
    path = _file(tmp_path, "tweet_id|user_id|class|tweet", "1|u7|1|болит", "2|u7|0|сплю", "3||0|да")
    posts = read_annotated(path, "2", lang="ru")
    assert [post.label for post in posts] == [True, False, False]
    assert [post.group for post in posts] == ["u7", "u7", "3"]


def test_read_annotated_joins_a_split_folder(tmp_path: Path) -> None:
    folder = _folder(
        tmp_path,
        tweets=["tweet_id|tweet", "c-d1-1|fine", f"c-d1-2|{TEXT}"],
        **{"class": ["tweet_id|label", "c-d1-2|1", "c-d1-1|0"]},
        spans=[
            "tweet_id|label|start|end|span",
            "c-d1-2|ADE|30|36|sleepy",
            "c-d1-2|ADE|17|23|sleepy",
        ],
        spans_norm=["tweet_id|label|start|end|span|ptid", "c-d1-2|ADE|17|23|sleepy|10041349"],
    )
    fine, sleepy = read_annotated(folder, "1b")
    assert (fine.label, fine.mentions, fine.group) == (False, (), "c-d1")
    assert (sleepy.label, sleepy.group) == (True, "c-d1")
    assert [mention.span for mention in sleepy.mentions] == [Span(17, 23), Span(30, 36)]
    assert read_annotated(folder, "1a")[1].mentions == ()
    linked = read_annotated(folder, "1c")[1].mentions
    assert linked == (Mention(Span(17, 23), "sleepy", "ADE", "10041349"),)


def test_read_annotated_leaves_labels_open_where_a_folder_has_spans_only(tmp_path: Path) -> None:
    folder = _folder(
        tmp_path,
        tweets=["tweet_id|tweet", "1|so sleepy"],
        spans=["tweet_id|label|start|end|span", "1|ADE|3|9|sleepy"],
    )
    assert read_annotated(folder, "1b")[0].label is None
    with pytest.raises(DataError, match=r"class\.tsv: expected a file, got nothing"):
        read_annotated(folder, "1a")


def test_read_annotated_reads_the_shape_of_2019_and_2020(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        "tweet_id|begin|end|type|extraction|drug|tweet|meddra_code|meddra_term",
        f"1|17|23|ADR|SLEEPY|seroquel|{TEXT}|10041349|somnolence",
        f"1|30|36|ADR|sleepy|seroquel|{TEXT}|10041349|somnolence",
        "2||||||nothing||",
        "3|-|-|-|-|-|nothing|-|-",
    )
    posts = read_annotated(path, "1c")
    assert [post.label for post in posts] == [True, False, False]
    assert [len(post.mentions) for post in posts] == [2, 0, 0]
    assert posts[0].mentions[1] == Mention(Span(30, 36), "sleepy", "ADE", "10041349")
    assert [post.post_id for post in read_posts(path)] == ["1", "2", "3"]


def test_read_annotated_maps_lowest_level_terms_to_preferred_terms(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        "tweet_id|tweet|label|start|end|span|ptid",
        f"1|{TEXT}|ADE|17|23|SLEEPY|10040984",
        f"1|{TEXT}|ADE|30|36|sleepy|10041349",
    )
    llt_to_pt = {"10040984": "10041349", "10041349": "10041349"}
    (post,) = read_annotated(path, "1c", llt_to_pt=llt_to_pt)
    assert {mention.concept_id for mention in post.mentions} == {"10041349"}
    with pytest.raises(DataError, match=r":3: expected a code of the terminology, got '10041349'"):
        read_annotated(path, "1c", llt_to_pt={"10040984": "10041349"})


def test_read_annotated_trusts_offsets_over_quotations(tmp_path: Path) -> None:
    path = _file(
        tmp_path, "tweet_id|tweet|label|start|end|span", "1|so sleepy|ADE|3|9|slept all day"
    )
    (post,) = read_annotated(path, "1b")
    assert post.mentions == (Mention(Span(3, 9), "slept all day"),)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            ["1|a|ADE||||", "2|b|maybe||||"],
            ":3: expected the label ADE, NoADE, 1 or 0, got 'maybe'",
        ),
        (["1|a|ADE|0|2|ab|"], r":2: expected start < end <= 1, the post's length, got \[0, 2\)"),
        (["1|a|ADE|1|1|a|"], r":2: expected start < end .* got \[1, 1\)"),
        (["1|a|ADE|-1|1|a|"], ":2: expected whole numbers as start and end, got '-1' and '1'"),
        (["1|a|ADE|0.0|1|a|"], ":2: expected whole numbers"),
        (["1|a|ADE|0|" + "9" * 5000 + "|a|"], ":2: expected whole numbers"),
        (["1|a|NoADE|0|1|a|"], ":2: expected ADE for a span, got 'NoADE'"),
        (["1|a|ADE|0|1|a|", "1|b|ADE|0|1|b|"], ":3: tweet_id '1': expected the text of line 2"),
        ([" |a|ADE|0|1|a|"], ":2: expected a tweet_id, got a blank cell"),
    ],
)
def test_read_annotated_refuses_with_the_line(
    tmp_path: Path, rows: list[str], message: str
) -> None:
    path = _file(tmp_path, "tweet_id|tweet|label|start|end|span|ptid", *rows)
    with pytest.raises(DataError, match=message):
        read_annotated(path, "1c")


def test_read_annotated_refuses_ids_that_do_not_match(tmp_path: Path) -> None:
    folder = _folder(
        tmp_path,
        tweets=["tweet_id|tweet", "1|a", "2|b"],
        **{"class": ["tweet_id|label", "1|0", "1|1"]},
        spans=["tweet_id|label|start|end|span", "3|ADE|0|1|a"],
    )
    with pytest.raises(DataError, match=r"class\.tsv:3: expected each tweet_id once, got '1'"):
        read_annotated(folder, "1a")
    _file(folder, "tweet_id|label", "1|0", name="class.tsv")
    with pytest.raises(
        DataError, match=r"expected a label of tweet_id '2' \(line 3 of the posts\)"
    ):
        read_annotated(folder, "1a")
    _file(folder, "tweet_id|label", "1|0", "2|0", "3|0", name="class.tsv")
    with pytest.raises(DataError, match=r"class\.tsv:4: expected a tweet_id among the posts"):
        read_annotated(folder, "1a")
    (folder / "class.tsv").unlink()
    with pytest.raises(DataError, match=r"spans\.tsv:2: expected a tweet_id among the posts"):
        read_annotated(folder, "1b")


def test_read_posts_streams_and_refuses_a_doubled_id(tmp_path: Path) -> None:
    posts = read_posts(_file(tmp_path, "tweet_id|tweet", "1|a", "1|a"), lang="en")
    assert next(posts) == Post("1", "a", "en")
    with pytest.raises(DataError, match=":3: expected each tweet_id once, got '1' of line 2 again"):
        next(posts)


CHARACTERS = st.characters(exclude_characters="\t\n\r", exclude_categories=["Cs"])
WORDS = st.text(CHARACTERS, min_size=1).filter(lambda text: text.strip() not in ("", "-"))


@st.composite
def _annotated(draw: st.DrawFn, task: Task) -> AnnotatedPost:
    text = draw(st.text(CHARACTERS, max_size=30))
    spans: set[tuple[int, int]] = set()
    if task in ("1b", "1c") and text:
        ends = st.integers(0, len(text) - 1).flatmap(
            lambda start: st.tuples(st.just(start), st.integers(start + 1, len(text)))
        )
        spans = draw(st.sets(ends, max_size=3))
    concept = st.none() if task != "1c" else WORDS.map(str.strip)
    mentions = tuple(
        Mention(Span(*span), text[slice(*span)], "ADE", draw(concept)) for span in sorted(spans)
    )
    post = Post(draw(WORDS), text, "en")
    return AnnotatedPost(post, bool(spans) or draw(st.booleans()), mentions, draw(WORDS))


@pytest.mark.parametrize("name", ["folder", "file.tsv"])
@pytest.mark.parametrize("task", ["1a", "1b", "1c", "2"])
@given(data=st.data())
def test_write_annotated_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, task: Task, name: str, data: st.DataObject
) -> None:
    posts = data.draw(
        st.lists(_annotated(task), max_size=4, unique_by=lambda ann: ann.post.post_id)
    )
    path = tmp_path_factory.mktemp("round") / name
    write_annotated(path, posts, task)
    # The folder keeps mentions without a concept in spans.tsv, which task 1c does not read.
    expected = [
        (
            ann.post,
            ann.label,
            tuple(m for m in ann.mentions if m.concept_id or task != "1c" or name != "folder"),
            ann.group,
        )
        for ann in posts
    ]
    found = read_annotated(path, task, lang="en")
    assert [(ann.post, ann.label, ann.mentions, ann.group) for ann in found] == expected


def test_write_annotated_adds_groups_only_where_ids_do_not_tell_them(tmp_path: Path) -> None:
    write_annotated(tmp_path / "told.tsv", [AnnotatedPost(Post("c-d1-1", "a"), True)], "1a")
    assert (tmp_path / "told.tsv").read_text() == "tweet_id\ttweet\tlabel\nc-d1-1\ta\tADE\n"
    posts = [AnnotatedPost(Post("1", "a"), False, group="u7")]
    write_annotated(tmp_path / "folder", posts, "2")
    assert (tmp_path / "folder/tweets.tsv").read_text() == "tweet_id\ttweet\tgroup\n1\ta\tu7\n"
    assert (tmp_path / "folder/class.tsv").read_text() == "tweet_id\tlabel\n1\t0\n"


def test_write_annotated_leaves_nothing_behind_when_it_refuses(tmp_path: Path) -> None:
    posts = [AnnotatedPost(Post("1", "a"), True), AnnotatedPost(Post("2", "b\tc"), True)]
    with pytest.raises(DataError, match=r"tweets\.tsv:3: expected a tweet without tabs"):
        write_annotated(tmp_path / "new", posts, "1a")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("posts", "message"),
    [
        ([AnnotatedPost(Post("1", "a"))], "a label on all 1 posts, got 0"),
        ([AnnotatedPost(Post("1", "a"), True)] * 2, "expected each tweet_id once"),
        ([AnnotatedPost(Post("", "a"), True)], "none blank"),
        ([AnnotatedPost(Post("1", "a"), False, (Mention(Span(0, 1), "a"),))], "got NoADE"),
        ([AnnotatedPost(Post("1", "a"), True, (Mention(Span(0, 1), "a", "DRUG"),))], "a DRUG"),
    ],
)
def test_write_annotated_refuses_what_the_format_cannot_say(
    tmp_path: Path, posts: list[AnnotatedPost], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        write_annotated(tmp_path / "new.tsv", posts, "1b")


PAIN = "pain in arms and legs, so sleepy"
IN_PARTS = Mention(
    Span(0, 21), "pain legs", "ADE", "10033425", fragments=(Span(0, 4), Span(17, 21))
)


def test_write_annotated_keeps_mentions_in_parts_beside_the_spans(tmp_path: Path) -> None:
    mentions = (Mention(Span(0, 12), "pain in arms"), IN_PARTS, Mention(Span(26, 32), "sleepy"))
    posts = [AnnotatedPost(Post("1", PAIN, "en"), True, mentions, "1")]
    write_annotated(tmp_path / "1c", posts, "1c")
    assert (tmp_path / "1c/fragments.tsv").read_text() == (
        "tweet_id\tlabel\tfragments\tspan\tptid\n1\tADE\t0-4;17-21\tpain legs\t10033425\n"
    )
    assert "0\t21" not in (tmp_path / "1c/spans.tsv").read_text()
    assert read_annotated(tmp_path / "1c", "1b", lang="en") == posts
    assert read_annotated(tmp_path / "1c", "1c")[0].mentions == (IN_PARTS,)
    assert read_annotated(tmp_path / "1c", "1a")[0].mentions == ()
    write_annotated(tmp_path / "1b", posts, "1b")
    header = (tmp_path / "1b/fragments.tsv").read_text().partition("\n")[0]
    assert header == "tweet_id\tlabel\tfragments\tspan"
    with pytest.raises(DataError, match="expected a folder for a mention in parts"):
        write_annotated(tmp_path / "one.tsv", posts, "1b")


def test_read_annotated_maps_the_concepts_of_mentions_in_parts(tmp_path: Path) -> None:
    write_annotated(tmp_path / "a", [AnnotatedPost(Post("1", PAIN), True, (IN_PARTS,))], "1c")
    (post,) = read_annotated(tmp_path / "a", "1c", llt_to_pt={"10033425": "10033371"})
    assert [mention.concept_id for mention in post.mentions] == ["10033371"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("2|ADE|0-4;17-21|pain legs", "expected a tweet_id among the posts, got '2'"),
        ("1|NoADE|0-4;17-21|pain legs", "expected ADE for a mention, got 'NoADE'"),
        ("1|ADE|0-4,17-21|pain legs", "expected parts such as 9-19;25-30, got '0-4,17-21'"),
        ("1|ADE|4-0;17-21|pain legs", "expected 0 <= start < end <= 32"),
        ("1|ADE|0-4;17-99|pain legs", r"got \[17, 99\)"),
    ],
)
def test_read_annotated_refuses_fragments_with_the_line(
    tmp_path: Path, row: str, message: str
) -> None:
    folder = _folder(
        tmp_path,
        tweets=["tweet_id|tweet", f"1|{PAIN}"],
        spans=["tweet_id|label|start|end|span"],
        fragments=["tweet_id|label|fragments|span", row],
    )
    with pytest.raises(DataError, match=rf"fragments\.tsv:2: .*{message}"):
        read_annotated(folder, "1b")


def test_write_annotated_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "tweets.tsv").touch()
    for path in (tmp_path, tmp_path / "tweets.tsv"):
        with pytest.raises(DataError, match="expected a new file or an empty folder"):
            write_annotated(path, [], "1a")
