"""What a tagger must beat: a dictionary, a CRF over word features, a blank spaCy ``ner``.

``python -m benchmarks.extraction_baselines FOLDER --lang en`` trains each on ``FOLDER/train`` and
scores it on ``FOLDER/test``. All read the posts that our taggers read; spaCy has its own words.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.command import run_command
from benchmarks.section import Section, print_section
from smm4h_core.corpora.smm4h import read_annotated
from smm4h_core.errors import Smm4hError
from smm4h_core.evaluation.spans import score_spans
from smm4h_core.extract.dictionary import TermMatcher, build_term_matcher, load_ade_terms
from smm4h_core.extract.stems import stem_word
from smm4h_core.extract.tags import Tags, raw_span, read_tags, tag_mentions
from smm4h_core.extract.words import Stretch, find_words
from smm4h_core.text.normalise import Normalised, normalise
from smm4h_core.types import AnnotatedPost, Lang, Mention, Span

Answers = dict[str, tuple[Mention, ...]]
"""Mentions by post id, every post asked among them."""
Baseline = Callable[[Sequence[AnnotatedPost], Sequence[AnnotatedPost]], Answers]
"""Trains on the first posts and answers the second."""

CRF_PENALTIES = MappingProxyType({"c1": 0.1, "c2": 0.01, "max_iterations": 100})
"""Elastic net of L-BFGS: the usual setting of CRFsuite's own tutorials, with a lighter L2."""
NEIGHBOURS = (-2, -1, 0, 1, 2)
SPACY_EPOCHS = 15
SPACY_BATCH = 32
SPACY_DROPOUT = 0.2
"""spaCy's quickstart has 0.1; blank pipelines on corpora this small want more."""


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


def answer_with_lexicon(_train: Sequence[AnnotatedPost], asked: Sequence[AnnotatedPost]) -> Answers:
    """Whatever the packaged terms of the posts' languages match."""
    langs: set[Lang] = {each.post.lang or "en" for each in asked}
    matcher = build_term_matcher(frozenset().union(*map(load_ade_terms, sorted(langs))))
    return _match(matcher, asked)


def answer_with_seen_mentions(
    train: Sequence[AnnotatedPost], asked: Sequence[AnnotatedPost]
) -> Answers:
    """Whatever was annotated in training, wherever it stands."""
    seen = {mention.text for each in train for mention in each.mentions}
    return _match(build_term_matcher(sorted(seen)), asked)


def answer_with_crf(train: Sequence[AnnotatedPost], asked: Sequence[AnnotatedPost]) -> Answers:
    """A linear-chain CRF (CRFsuite) over words, stems, affixes, shapes and the packaged terms.

    Raises:
        Smm4hError: python-crfsuite is not installed.
    """
    crfsuite = _import("pycrfsuite", "python-crfsuite")
    langs: set[Lang] = {each.post.lang or "en" for each in (*train, *asked)}
    matcher = build_term_matcher(frozenset().union(*map(load_ade_terms, sorted(langs))))
    trainer = crfsuite.Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params(dict(CRF_PENALTIES))
    for each in map(_read, train):
        if each.words:
            gold = tag_mentions(each.post.mentions, each.normalised, each.words).tags
            trainer.append(_word_features(each, matcher), [str(tag) for tag in gold])
    with tempfile.TemporaryDirectory() as folder:
        model = str(Path(folder) / "model.crfsuite")
        trainer.train(model)
        tagger = crfsuite.Tagger()
        tagger.open(model)
        answers = {}
        for each in map(_read, asked):
            tags = tagger.tag(_word_features(each, matcher)) if each.words else []
            answers[each.post.post.post_id] = each.mentions(np.array(tags, dtype=np.int64))
        tagger.close()
    return answers


def answer_with_spacy(train: Sequence[AnnotatedPost], asked: Sequence[AnnotatedPost]) -> Answers:
    """A blank spaCy pipeline with an ``ner``, trained from nothing on the posts as received.

    Raises:
        Smm4hError: spaCy is not installed.
    """
    spacy = _import("spacy", "spacy")
    training = import_module("spacy.training")
    spacy.util.fix_random_seed(0)
    lang = train[0].post.lang or "en"
    pipeline = spacy.blank(lang)
    pipeline.add_pipe("ner").add_label("ADE")
    examples = []
    for each in train:
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
    for _ in range(SPACY_EPOCHS):
        shuffler.shuffle(examples)
        for batch in spacy.util.minibatch(examples, SPACY_BATCH):
            pipeline.update(batch, sgd=optimiser, drop=SPACY_DROPOUT)
    docs = pipeline.pipe([each.post.text for each in asked])
    return {
        each.post.post_id: tuple(
            _quote(Span(ent.start_char, ent.end_char), each.post.text) for ent in doc.ents
        )
        for each, doc in zip(asked, docs, strict=True)
    }


BASELINES: Mapping[str, Baseline] = MappingProxyType(
    {
        "dictionary: our terms": answer_with_lexicon,
        "dictionary: mentions seen": answer_with_seen_mentions,
        "CRF of word features": answer_with_crf,
        "spaCy ner, blank": answer_with_spacy,
    }
)


def compare_baselines(
    train: Sequence[AnnotatedPost], test: Sequence[AnnotatedPost], *, title: str
) -> Section:
    """Train, answer and score each; one that needs what is not installed is named as missing."""
    gold = {each.post.post_id: each.mentions for each in test}
    rows, data, missing = [], {}, []
    for name, baseline in BASELINES.items():
        try:
            answers = baseline(train, test)
        except Smm4hError as error:
            missing.append(f"{name}: {error}")
            continue
        scores = score_spans(gold, answers, task="1b")
        cells = [scores.one_to_one.strict, scores.one_to_one.relaxed, scores.official.relaxed]
        rows.append((name, *(f"{x:.3f}" for s in cells for x in (s.precision, s.recall, s.f1))))
        data[name] = {
            "strict": cells[0].f1,
            "relaxed": cells[1].f1,
            "official_relaxed": cells[2].f1,
        }
    headings = ("", *(f"{kind} {x}" for kind in ("strict", "relaxed", "official") for x in "PRF"))
    return Section(title, headings, tuple(rows), data, missing=tuple(missing))


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
    own = []
    for index, (start, end) in enumerate(words):
        word = text[start:end]
        low = word.casefold()
        after = text[end : words[index + 1][0]] if index + 1 < len(words) else text[end:]
        own.append(
            {
                "w": low,
                "stem": stem_word(word),
                "pre": low[:3],
                "suf2": low[-2:],
                "suf3": low[-3:],
                "shape": _shape(word),
                "term": "OBI"[terms[index]],
                "after": after.strip()[:1] or "_",
            }
        )
    features = []
    for index in range(len(own)):
        found = ["bias"]
        for offset in NEIGHBOURS:
            if 0 <= index + offset < len(own):
                found += [f"{offset}:{key}={value}" for key, value in own[index + offset].items()]
            else:
                found.append(f"{offset}:edge")
        for offset in (-1, 0):
            if index + offset >= 0 and index + offset + 1 < len(own):
                pair = own[index + offset]["stem"], own[index + offset + 1]["stem"]
                found.append(f"{offset}:pair={pair[0]}|{pair[1]}")
        features.append(found)
    return features


def _shape(word: str) -> str:
    kinds = [
        "X" if c.isupper() else "x" if c.islower() else "9" if c.isdigit() else c for c in word
    ]
    return "".join(kind for i, kind in enumerate(kinds) if i == 0 or kind != kinds[i - 1])


def _quote(span: Span, text: str) -> Mention:
    return Mention(span, text[span.start : span.end])


def _import(module: str, package: str) -> Any:
    if find_spec(module) is None:
        raise Smm4hError(f"expected the package {package}, not installed: pip install {package}")
    return import_module(module)


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def extraction_baselines(
    folder: Annotated[Path, typer.Argument(help="Folder with train/ and test/.")],
    lang: Annotated[str, typer.Option(help="Language of its posts: en or ru.")] = "en",
) -> None:
    """Print the table of one corpus; exit 1 where a baseline could not run."""
    known: dict[str, Lang] = {"en": "en", "ru": "ru"}
    if lang not in known:
        raise Smm4hError(f"--lang: expected en or ru, got {lang!r}")
    train, test = (
        read_annotated(folder / split, "1b", lang=known[lang]) for split in ("train", "test")
    )
    section = compare_baselines(train, test, title=f"Extraction baselines, {folder.name}")
    print_section(section)
    if section.missing:
        raise typer.Exit(1)


if __name__ == "__main__":
    run_command(app)
