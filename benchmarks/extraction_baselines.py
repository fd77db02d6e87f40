"""What a tagger must beat: a dictionary, a CRF over word features, a blank spaCy ``ner``.

All read the posts that our taggers read; spaCy has its own words.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np

from smm4h_core.errors import Smm4hError
from smm4h_core.evaluation.spans import score_spans
from smm4h_core.extract.dictionary import TermMatcher, build_term_matcher, load_ade_terms
from smm4h_core.extract.tags import Tags, raw_span, read_tags, tag_mentions
from smm4h_core.extract.word_features import NEIGHBOURS, PAIRS, describe_words
from smm4h_core.extract.words import Stretch, find_words
from smm4h_core.text.normalise import Normalised, normalise
from smm4h_core.types import AnnotatedPost, Lang, Mention, Span

Answers = dict[str, tuple[Mention, ...]]
"""Mentions by post id, every post asked among them."""

CRF_PENALTIES: tuple[Mapping[str, float], ...] = (
    {"c1": 0.1, "c2": 0.01},
    {"c1": 0.05, "c2": 0.1},
    {"c1": 0.5, "c2": 0.1},
)
"""Elastic nets of L-BFGS around the usual settings of CRFsuite's tutorials."""
CRF_ITERATIONS = 100
SPACY_EPOCHS, SPACY_PATIENCE = 20, 3
SPACY_POSTS = 100_000
"""Posts learnt from in all epochs, at most, so that a large corpus does not take hours."""
SPACY_BATCH = 32
SPACY_DROPOUT = 0.2
"""spaCy's quickstart has 0.1; blank pipelines on corpora this small want more."""


@dataclass(frozen=True, slots=True, eq=False)
class CorpusPosts:
    """What a baseline is given of a corpus."""

    train: Sequence[AnnotatedPost]
    """Posts to learn from."""
    dev: Sequence[AnnotatedPost]
    """Posts to choose on."""
    test: Sequence[AnnotatedPost]
    """Posts to answer."""
    learns_dev: bool
    """Whether dev is learnt too once it has served to choose, as members of folds do."""

    @property
    def learnt(self) -> Sequence[AnnotatedPost]:
        """All that is learnt from in the end."""
        return [*self.train, *self.dev] if self.learns_dev else self.train


Baseline = Callable[[CorpusPosts], Answers]
"""Learns, and answers the test posts."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadPost:
    """A post as the dictionary and the CRF read it."""

    post: AnnotatedPost
    """As annotated."""
    normalised: Normalised
    """Its text."""
    words: tuple[Stretch, ...]
    """Its words."""

    def mentions(self, tags: Tags) -> tuple[Mention, ...]:
        """What tags of its words say."""
        text = self.post.post.text
        spans = [raw_span(self.normalised, self.words, *found) for found in read_tags(tags)]
        return tuple(_quote(span, text) for span in spans)


FeaturedPost: TypeAlias = tuple[ReadPost, list[list[str]]]
"""A post, and features of each of its words."""


def answer_with_lexicon(posts: CorpusPosts) -> Answers:
    """Whatever the packaged terms of the posts' languages match."""
    return _match(_packaged_terms(posts), posts.test)


def answer_with_seen_mentions(posts: CorpusPosts) -> Answers:
    """Whatever was annotated in what is learnt, wherever it stands."""
    seen = {mention.text for each in posts.learnt for mention in each.mentions}
    return _match(build_term_matcher(sorted(seen)), posts.test)


def answer_with_crf(posts: CorpusPosts) -> Answers:
    """A linear-chain CRF (CRFsuite) over words, stems, affixes, shapes and the packaged terms.

    Its penalties are chosen on dev.

    Raises:
        Smm4hError: python-crfsuite is not installed.
    """
    crfsuite = _import("pycrfsuite", "python-crfsuite")
    matcher = _packaged_terms(posts)
    train, dev, test = (
        [(each, _word_features(each, matcher)) for each in map(_read, split)]
        for split in (posts.train, posts.dev, posts.test)
    )

    def fit(learnt: Sequence[FeaturedPost], penalties: Mapping[str, float], model: Path) -> Any:
        trainer = crfsuite.Trainer(algorithm="lbfgs", verbose=False)
        trainer.set_params({**penalties, "max_iterations": CRF_ITERATIONS})
        for each, features in learnt:
            if features:
                gold = tag_mentions(each.post.mentions, each.normalised, each.words).tags
                trainer.append(features, [str(tag) for tag in gold])
        trainer.train(str(model))
        tagger = crfsuite.Tagger()
        tagger.open(str(model))
        return tagger

    def answer(tagger: Any, asked: Sequence[FeaturedPost]) -> Answers:
        return {
            each.post.post.post_id: each.mentions(
                np.array(tagger.tag(features) if features else [], dtype=np.int64)
            )
            for each, features in asked
        }

    with tempfile.TemporaryDirectory() as folder:
        taggers = [
            fit(train, penalties, Path(folder) / str(number))
            for number, penalties in enumerate(CRF_PENALTIES)
        ]
        best = int(np.argmax([_strict_f1(posts.dev, answer(each, dev)) for each in taggers]))
        if posts.learns_dev:
            chosen = fit([*train, *dev], CRF_PENALTIES[best], Path(folder) / "chosen")
        else:
            chosen = taggers[best]
        return answer(chosen, test)


def answer_with_spacy(posts: CorpusPosts) -> Answers:
    """A blank spaCy pipeline with an ``ner``, trained from nothing on the posts as received.

    Its epochs are chosen on dev.

    Raises:
        Smm4hError: spaCy is not installed.
    """
    spacy = _import("spacy", "spacy")
    best, epochs, weights = 0.0, 0, b""
    for epoch, pipeline in enumerate(_train_spacy(spacy, posts.train), start=1):
        f1 = _strict_f1(posts.dev, _ask_spacy(pipeline, posts.dev))
        if f1 > best or not best:  # at first it finds nothing
            best, epochs, weights = f1, epoch, pipeline.to_bytes()
        elif epoch == epochs + SPACY_PATIENCE:
            break
    if posts.learns_dev:
        pipeline = list(islice(_train_spacy(spacy, posts.learnt), epochs))[-1]
    else:
        pipeline.from_bytes(weights)
    return _ask_spacy(pipeline, posts.test)


BASELINES: Mapping[str, Baseline] = MappingProxyType(
    {
        "dictionary: our terms": answer_with_lexicon,
        "dictionary: mentions seen": answer_with_seen_mentions,
        "CRF of word features": answer_with_crf,
        "spaCy ner, blank": answer_with_spacy,
    }
)


def _train_spacy(spacy: Any, learnt: Sequence[AnnotatedPost]) -> Iterator[Any]:
    """The one pipeline after each epoch."""
    training = import_module("spacy.training")
    spacy.util.fix_random_seed(0)
    pipeline = spacy.blank(learnt[0].post.lang or "en")
    pipeline.add_pipe("ner").add_label("ADE")
    examples = []
    for each in learnt:
        doc = pipeline.make_doc(each.post.text)
        spans = [
            doc.char_span(m.span.start, m.span.end, label="ADE", alignment_mode="expand")
            for m in each.mentions
        ]
        kept = spacy.util.filter_spans([span for span in spans if span is not None])
        entities = [(span.start_char, span.end_char, "ADE") for span in kept]
        if len(doc):
            examples.append(training.Example.from_dict(doc, {"entities": entities}))
    optimiser = pipeline.initialize(lambda: examples)
    shuffler = random.Random(0)
    for _ in range(min(SPACY_EPOCHS, max(1, SPACY_POSTS // len(examples)))):
        shuffler.shuffle(examples)
        for batch in spacy.util.minibatch(examples, SPACY_BATCH):
            pipeline.update(batch, sgd=optimiser, drop=SPACY_DROPOUT)
        yield pipeline


def _ask_spacy(pipeline: Any, asked: Sequence[AnnotatedPost]) -> Answers:
    docs = pipeline.pipe([each.post.text for each in asked])
    return {
        each.post.post_id: tuple(
            _quote(Span(ent.start_char, ent.end_char), each.post.text) for ent in doc.ents
        )
        for each, doc in zip(asked, docs, strict=True)
    }


def _strict_f1(gold: Sequence[AnnotatedPost], answers: Answers) -> float:
    golds = {each.post.post_id: each.mentions for each in gold}
    return score_spans(golds, answers, task="1b").one_to_one.strict.f1


def _packaged_terms(posts: CorpusPosts) -> TermMatcher:
    langs: set[Lang] = {each.post.lang or "en" for each in (*posts.train, *posts.test)}
    return build_term_matcher(frozenset().union(*map(load_ade_terms, sorted(langs))))


def _match(matcher: TermMatcher, asked: Sequence[AnnotatedPost]) -> Answers:
    return {
        each.post.post.post_id: each.mentions(matcher.match(each.normalised.text, each.words))
        for each in map(_read, asked)
    }


def _read(post: AnnotatedPost) -> ReadPost:
    normalised = normalise(post.post.text, lang=post.post.lang or "en")
    return ReadPost(post, normalised, find_words(normalised.text))


def _word_features(post: ReadPost, matcher: TermMatcher) -> list[list[str]]:
    """Features of each word as CRFsuite reads them: those of its neighbours with their place."""
    text, words = post.normalised.text, post.words
    terms = matcher.match(text, words)
    own = [
        {**described, "term": "OBI"[tag]}
        for described, tag in zip(describe_words(text, words), terms, strict=True)
    ]
    features = []
    for index in range(len(own)):
        found = ["bias"]
        for offset in NEIGHBOURS:
            if 0 <= index + offset < len(own):
                found += [f"{offset}:{key}={value}" for key, value in own[index + offset].items()]
            else:
                found.append(f"{offset}:edge")
        for offset in PAIRS:
            if index + offset >= 0 and index + offset + 1 < len(own):
                pair = own[index + offset]["stem"], own[index + offset + 1]["stem"]
                found.append(f"{offset}:pair={pair[0]}|{pair[1]}")
        features.append(found)
    return features


def _quote(span: Span, text: str) -> Mention:
    return Mention(span, text[span.start : span.end])


def _import(module: str, package: str) -> Any:
    if find_spec(module) is None:
        raise Smm4hError(f"expected the package {package}, not installed: pip install {package}")
    return import_module(module)
