"""A run's tagger and its dictionary, from the configuration."""

from __future__ import annotations

from collections.abc import Iterable

from smm4h_core.config import RunConfig
from smm4h_core.encoders.base import TextEncoder
from smm4h_core.extract.dictionary import TermMatcher, build_term_matcher, load_terms
from smm4h_core.extract.network import Tagger
from smm4h_core.sections import ExtractionConfig


def extraction_of(config: RunConfig) -> ExtractionConfig:
    """The section that a run which reads spans has."""
    assert config.extraction is not None  # the configuration was checked at its birth
    return config.extraction


def build_tagger(config: RunConfig, encoder: TextEncoder) -> Tagger:
    """The network that a run describes; new layers are drawn from torch's generator."""
    extraction = extraction_of(config)
    return Tagger(
        encoder,
        dropout=config.network.dropout,
        head=extraction.head,
        reads_terms=bool(extraction.terms),
        word_features=extraction.word_features,
    )


def load_run_terms(config: RunConfig) -> frozenset[str]:
    """The terms that a run's taggers read; none where they read none.

    Raises:
        DataError: a list that cannot be read.
    """
    return load_terms(extraction_of(config).terms, config.languages)


def build_matcher(terms: Iterable[str]) -> TermMatcher | None:
    """What finds the terms, in training and serving alike; None where there are none."""
    listed = frozenset(terms)
    return build_term_matcher(listed) if listed else None
