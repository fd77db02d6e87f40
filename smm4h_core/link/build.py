"""A run's terminology and networks for linking, from the configuration."""

from __future__ import annotations

from pathlib import Path

from smm4h_core.config import RunConfig
from smm4h_core.encoders.base import TextEncoder
from smm4h_core.link.classifier import ConceptClassifier
from smm4h_core.link.similarity import SimilarityEncoder
from smm4h_core.link.source import read_terminology
from smm4h_core.link.terminology import Terminology
from smm4h_core.linking_sections import LinkingConfig
from smm4h_core.packaged import PACKAGE


def linking_of(config: RunConfig) -> LinkingConfig:
    """The section that a run which links has."""
    assert config.linking is not None  # the configuration was checked at its birth
    return config.linking


def load_run_terminology(config: RunConfig) -> Terminology:
    """What a run's mentions are linked to.

    Raises:
        DataError: a source that cannot be read, or that states no name or version.
    """
    stated = linking_of(config).terminology
    source = stated.source
    if not source.startswith(PACKAGE):
        source = str(Path(config.data.root) / source)
    return read_terminology(
        source,
        name=stated.name,
        version=stated.version,
        lay_terms=stated.lay_terms,
        only_lay_concepts=stated.only_lay_concepts,
        understands=stated.understands,
    )


def build_similarity(config: RunConfig, encoder: TextEncoder) -> SimilarityEncoder:
    """The similarity encoder that a run describes."""
    return SimilarityEncoder(encoder, unit_length=linking_of(config).similarity.unit_length)


def build_concepts(
    config: RunConfig, encoder: TextEncoder, *, num_concepts: int
) -> ConceptClassifier:
    """The concept classifier that a run describes; its layer is drawn from torch's generator."""
    concepts = linking_of(config).classifier
    assert concepts is not None  # only runs that have one ask
    return ConceptClassifier(
        encoder,
        num_concepts=num_concepts,
        dropout=concepts.dropout,
        reads_cosines=concepts.cosines,
    )
