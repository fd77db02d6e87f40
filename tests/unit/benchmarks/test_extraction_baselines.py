from importlib.util import find_spec

import pytest

from benchmarks import extraction_baselines
from benchmarks.extraction_baselines import (
    Answers,
    CorpusPosts,
    answer_with_crf,
    answer_with_lexicon,
    answer_with_seen_mentions,
    answer_with_spacy,
)
from smm4h_core.errors import Smm4hError
from smm4h_core.types import AnnotatedPost, Mention, Post, Span

PACKAGES = {"pycrfsuite": answer_with_crf, "spacy": answer_with_spacy}


def annotated(post_id: str, text: str, *quotes: str) -> AnnotatedPost:
    mentions = [Mention(Span(text.index(q), text.index(q) + len(q)), q) for q in quotes]
    return AnnotatedPost(Post(post_id, text, "en"), bool(mentions), tuple(mentions))


TRAIN = [
    post
    for n in range(12)
    for post in (
        annotated(f"a{n}", f"It gave me dry mouth on day {n}", "dry mouth"),
        annotated(f"b{n}", f"then purple toes on day {n}", "purple toes"),
        annotated(f"c{n}", f"No trouble, {n} pills &amp; fine"),
    )
]
TEST = [
    annotated("x", "@bob Headaches, purple toes!", "Headaches", "purple toes"),
    annotated("y", "It gave me dry mouth on day 99", "dry mouth"),
    annotated("z", ""),
]
POSTS = CorpusPosts(TRAIN, TRAIN[:6], TEST, learns_dev=False)


def quoted(answers: Answers) -> dict[str, list[str]]:
    for post in TEST:
        for mention in answers[post.post.post_id]:
            assert post.post.text[mention.span.start : mention.span.end] == mention.text
    return {post_id: [m.text for m in mentions] for post_id, mentions in answers.items()}


def test_lexicon_answers_with_our_terms() -> None:
    assert quoted(answer_with_lexicon(POSTS)) == {
        "x": ["Headaches"],
        "y": ["dry mouth"],
        "z": [],
    }


def test_seen_mentions_answer_with_the_training_sets() -> None:
    assert quoted(answer_with_seen_mentions(POSTS)) == {
        "x": ["purple toes"],
        "y": ["dry mouth"],
        "z": [],
    }


@pytest.mark.parametrize("module", PACKAGES)
def test_trained_baselines_learn_dev_when_told(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed (the extra `baselines` has it)")
    monkeypatch.setattr(extraction_baselines, "SPACY_EPOCHS", 6)
    monkeypatch.setattr(extraction_baselines, "SPACY_BATCH", 6)
    # What is said of purple toes stands in dev alone.
    train = [post for post in TRAIN if not post.post.post_id.startswith("b")]
    asked = [*TEST, annotated("w", "then purple toes on day 99", "purple toes")]

    def found(learns_dev: bool) -> dict[str, list[str]]:
        posts = CorpusPosts(train, TRAIN, asked, learns_dev=learns_dev)
        return quoted(PACKAGES[module](posts))

    first = found(False)
    assert first["y"] == ["dry mouth"]
    assert first["z"] == []
    assert first["w"] != ["purple toes"]
    assert found(True)["w"] == ["purple toes"]


@pytest.mark.parametrize("module", PACKAGES)
def test_a_baseline_that_is_not_installed_says_what_to_install(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extraction_baselines, "find_spec", lambda _name: None)
    with pytest.raises(Smm4hError, match="not installed: pip install"):
        PACKAGES[module](POSTS)
