"""ADE-Corpus-V2 as its authors publish it: ``DRUG-AE.rel`` and ``ADE-NEG.txt`` in one folder.

Gurulingappa and others, J. Biomed. Inform. 45 (2012). A line of the first is one pair of a drug and
its effect, ``pmid|sentence|effect|start|end|drug|start|end``: a sentence stands once for each of
its pairs. A line of the second is a sentence without any, ``pmid NEG sentence``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from smm4h_core.corpora.original import Original
from smm4h_core.corpora.plain_text import read_text
from smm4h_core.corpora.problems import Problem, Report, refuse
from smm4h_core.types import AnnotatedPost, Mention, Post, Span

RELATIONS, NEGATIVES = "DRUG-AE.rel", "ADE-NEG.txt"
_CELLS = 8
_NEGATIVE = re.compile(r"(\d+) NEG (.+)")


@dataclass(frozen=True, slots=True)
class Relation:
    """One pair of a drug and its effect."""

    pmid: str
    """The abstract."""
    sentence: str
    """The sentence that says it."""
    effect: Span
    """Where the effect stands in the sentence."""
    drug: Span
    """Where its drug does."""


def is_ade_corpus(path: Path) -> bool:
    """Whether a folder holds both files."""
    return all((path / name).is_file() for name in (RELATIONS, NEGATIVES))


def read_ade_corpus(path: Path, report: Report = refuse) -> Original:
    """Read the sentences, those with an effect first, in the files' order; an abstract is a group.

    A sentence without an effect that another line gives one is left out as one without.

    Args:
        path: The folder.
        report: Takes the problems met.

    Raises:
        DataError: from ``report``, at the first error that is not read on.
    """
    effects: dict[tuple[str, str], set[Span]] = {}
    for each in read_relations(path / RELATIONS, report):
        effects.setdefault((each.pmid, each.sentence), set()).add(each.effect)
    for pmid, sentence in _read_negatives(path / NEGATIVES, report):
        effects.setdefault((pmid, sentence), set())
    numbers: dict[str, int] = {}
    posts = []
    for (pmid, sentence), spans in effects.items():
        numbers[pmid] = numbers.get(pmid, 0) + 1
        mentions = tuple(Mention(span, sentence[span.start : span.end]) for span in sorted(spans))
        post = Post(f"ade-{pmid}-{numbers[pmid]}", sentence, "en")
        posts.append(AnnotatedPost(post, bool(mentions), mentions, f"ade-{pmid}"))
    return Original(tuple(posts), "sentence", {})


def read_relations(path: Path, report: Report = refuse) -> Iterator[Relation]:
    """The pairs of ``DRUG-AE.rel``, in its order.

    Its offsets are those of the whole abstract: they say how far a drug stands from its effect, and
    so which naming is meant where one repeats.

    Args:
        path: The file.
        report: Takes the problems met: lines of another form, or that quote what their sentence
            does not hold.

    Raises:
        DataError: from ``report``.
    """
    for number, line in enumerate(read_text(path, report).split("\n"), start=1):
        if not line.strip():
            continue
        cells = line.split("|")
        if len(cells) != _CELLS or not all(each.isdecimal() for each in (*cells[3:5], *cells[6:8])):
            expected = "expected pmid|sentence|effect|start|end|drug|start|end"
            report(Problem(path, number, "bad-annotation", f"{expected}, got {line.strip()!r:.80}"))
            continue
        pmid, sentence, effect, drug = cells[0], cells[1], cells[2], cells[5]
        apart = int(cells[6]) - int(cells[3])
        found = [
            (abs(second.start - first.start - apart), first, second)
            for first in _occurrences(effect, sentence)
            for second in _occurrences(drug, sentence)
        ]
        if not found:
            message = f"expected {effect!r} and {drug!r} in its sentence"
            report(Problem(path, number, "offset-outside", message))
            continue
        _, first, second = min(found)
        yield Relation(pmid, sentence, first, second)


def _read_negatives(path: Path, report: Report) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(read_text(path, report).split("\n"), start=1):
        if not line.strip():
            continue
        match = _NEGATIVE.fullmatch(line.strip())
        if match is None:
            message = f"expected pmid NEG sentence, got {line.strip()!r:.80}"
            report(Problem(path, number, "bad-line", message))
            continue
        yield match[1], match[2]


def _occurrences(quoted: str, text: str) -> list[Span]:
    return [Span(*match.span()) for match in re.finditer(re.escape(quoted), text)] if quoted else []
