import hashlib
import re
from collections import Counter
from dataclasses import asdict
from functools import cache
from json import dumps

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline, make_union

from smm4h_core.corpora.sample import generate_sample, sample_split
from smm4h_core.corpora.sample.phrases import EASY_KINDS, read_phrases
from smm4h_core.errors import DataError
from smm4h_core.types import AnnotatedPost, Lang

LANGS: tuple[Lang, ...] = ("en", "ru")
SPLITS = {"train": 400, "dev": 80, "test": 120}
FINGERPRINTS = {
    "en": "14e2e367fa1e4e1cfecd4511c4b32297d7a9dd4b9d156db386a1f1b90cfd77cc",
    "ru": "256be5169e93c5b262062398daa2fc594197b56e9256efb7c2fb0c39ecd44381",
}

sample = cache(generate_sample)


def fingerprint(posts: tuple[AnnotatedPost, ...]) -> str:
    rows = [asdict(post) for post in posts]
    for mention in (mention for row in rows for mention in row["mentions"]):
        assert mention.pop("fragments") == ()
    text = dumps(rows, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def kind_of(post: AnnotatedPost) -> str:
    assert post.group is not None
    return post.group.split("-")[1]


@pytest.mark.parametrize("lang", LANGS)
def test_generate_sample_is_the_same_everywhere(lang: Lang) -> None:
    assert fingerprint(sample(lang)) == FINGERPRINTS[lang]


@pytest.mark.parametrize("lang", LANGS)
def test_generate_sample_changes_with_the_seed(lang: Lang) -> None:
    assert fingerprint(generate_sample(lang, seed=1)) != fingerprint(sample(lang))


@pytest.mark.parametrize("lang", LANGS)
def test_generate_sample_names_its_posts_synthetic(lang: Lang) -> None:
    posts = sample(lang)
    assert len(posts) == 600
    assert [p.post.post_id for p in posts] == [f"synthetic-{lang}-{n:04d}" for n in range(1, 601)]
    assert {p.post.lang for p in posts} == {lang}


@pytest.mark.parametrize("lang", LANGS)
def test_generate_sample_repeats_no_text(lang: Lang) -> None:
    assert len({p.post.text for p in sample(lang)}) == 600


@pytest.mark.parametrize("lang", LANGS)
def test_generate_sample_quotes_every_span_exactly(lang: Lang) -> None:
    concept_ids = set(read_phrases(lang).concept_ids.values())
    for annotated in sample(lang):
        end = 0
        for mention in annotated.mentions:
            assert mention.span.start >= end
            end = mention.span.end
            assert annotated.post.text[mention.span.start : end] == mention.text
            assert mention.text == mention.text.strip()
            assert (mention.concept_id in concept_ids) == (mention.type == "ADE")


@pytest.mark.parametrize("lang", LANGS)
def test_generate_sample_labels_what_its_mentions_say(lang: Lang) -> None:
    posts = sample(lang)
    num_ades = [sum(m.type == "ADE" for m in p.mentions) for p in posts]
    assert [p.label for p in posts] == [num > 0 for num in num_ades]
    num_positive = sum(num > 0 for num in num_ades)
    assert 0.34 <= num_positive / len(posts) <= 0.36
    assert 0.10 <= num_ades.count(2) / num_positive <= 0.20


@pytest.mark.parametrize("lang", LANGS)
def test_generate_sample_marks_the_drug_where_the_frame_names_one(lang: Lang) -> None:
    frames = {frame.frame_id: frame for frame in read_phrases(lang).frames}
    for annotated in sample(lang):
        assert annotated.group is not None
        slots = frames[annotated.group].slots()
        num_drugs = sum(slot.name in ("drug", "other") for slot in slots)
        assert sum(m.type == "DRUG" for m in annotated.mentions) == num_drugs


@pytest.mark.parametrize("lang", LANGS)
def test_generate_sample_makes_most_negatives_hard(lang: Lang) -> None:
    negatives = [kind_of(p) for p in sample(lang) if not p.label]
    assert sum(kind not in EASY_KINDS for kind in negatives) >= len(negatives) / 2
    assert {"indication", "negation", "question", "no_effects", "advert"} <= set(negatives)


@pytest.mark.parametrize("lang", LANGS)
def test_generate_sample_names_effects_under_both_labels(lang: Lang) -> None:
    nouns = [
        form
        for wording in read_phrases(lang).wordings
        if wording.slot == "noun"
        for form in wording.forms
    ]
    named = Counter(
        post.label for post in sample(lang) if any(noun in post.post.text for noun in nouns)
    )
    num_positive = sum(bool(post.label) for post in sample(lang))
    assert named[False] / (600 - num_positive) >= 0.8 * named[True] / num_positive > 0.1


@pytest.mark.parametrize("lang", LANGS)
def test_generate_sample_leaves_no_slot_open(lang: Lang) -> None:
    for annotated in sample(lang):
        assert not re.search(r"[{}<>\[\]|]|  ", annotated.post.text), annotated.post


@pytest.mark.parametrize("num_posts", [15, 100, 1500])
def test_generate_sample_makes_as_many_as_asked(num_posts: int) -> None:
    assert len(generate_sample("en", num_posts=num_posts)) == num_posts


def test_generate_sample_refuses_too_few_posts() -> None:
    with pytest.raises(DataError, match="at least 15, got 14"):
        generate_sample("en", num_posts=14)


def test_generate_sample_refuses_another_language() -> None:
    with pytest.raises(DataError, match="en, ru, got 'de'"):
        generate_sample("de")  # type: ignore[arg-type]


def test_sample_split_refuses_another_split() -> None:
    with pytest.raises(DataError, match="train, dev, test, got 'valid'"):
        sample_split("en", "valid")  # type: ignore[arg-type]


@pytest.mark.parametrize("lang", LANGS)
def test_sample_split_parts_the_sample_by_frame(lang: Lang) -> None:
    parts = {name: sample_split(lang, name) for name in SPLITS}  # type: ignore[arg-type]
    assert {name: len(posts) for name, posts in parts.items()} == SPLITS
    together = [post for posts in parts.values() for post in posts]
    assert sorted(together, key=lambda p: p.post.post_id) == list(sample(lang))
    groups = [{post.group for post in posts} for posts in parts.values()]
    assert sum(map(len, groups)) == len(set.union(*groups))
    for posts in parts.values():
        assert 0.33 <= sum(bool(p.label) for p in posts) / len(posts) <= 0.37


@pytest.mark.parametrize("lang", LANGS)
def test_sample_split_keeps_held_out_wordings_from_train(lang: Lang) -> None:
    spans: dict[bool, set[str]] = {True: set(), False: set()}
    for wording in read_phrases(lang).wordings:
        spans[wording.held_out] |= {re.sub(r"^.*<|>.*$", "", form) for form in wording.forms}
    unseen = spans[True] - spans[False]

    def num_held_out(name: str) -> int:
        posts = sample_split(lang, name)  # type: ignore[arg-type]
        return sum(m.text in unseen for post in posts for m in post.mentions)

    assert num_held_out("train") == 0
    assert num_held_out("test") > 0


@pytest.mark.parametrize("lang", LANGS)
def test_sample_split_is_neither_trivial_nor_hopeless(lang: Lang) -> None:
    train, test = sample_split(lang, "train"), sample_split(lang, "test")
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\w+|[^\w\s]")
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    baseline = make_pipeline(
        make_union(words, letters),
        LogisticRegression(C=10, class_weight="balanced", solver="liblinear"),
    )
    baseline.fit([p.post.text for p in train], [p.label for p in train])
    pred = baseline.predict([p.post.text for p in test])
    assert 0.55 <= f1_score([p.label for p in test], pred) <= 0.93
