"""The sections of a configuration that are of linking alone (method section 5)."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from smm4h_core.packaged import EMBEDDED_HPO
from smm4h_core.sections import Dropout, Positive, Rate, Section, TrainingConfig


class TerminologyConfig(Section):
    """What mentions are linked to."""

    source: str = EMBEDDED_HPO
    """The embedded Human Phenotype Ontology unless said otherwise: a MedDRA ASCII folder, an
    ``.obo``, a ``.tsv`` of terms or a ``.parquet`` of ``smm4h terminology build``, relative to
    ``data.root``; or ``package:<import name>/<folder>/<file>``."""
    name: str | None = None
    """What to call it; None is the release's own."""
    version: str | None = None
    """Its version; None is the release's own."""
    lay_terms: bool = False
    """Add our lay terms, whose concepts are the HPO's."""
    only_lay_concepts: bool = False
    """Leave out the concepts that no lay term names: people have no word for them."""
    understands: tuple[str, ...] = ()
    """Other systems whose codes it shall take for its concepts', by its cross-references:
    ``[UMLS]`` where a corpus is coded in CUIs and mentions are linked to the HPO."""


class SimilarityConfig(Section):
    """The similarity encoder (method section 5 (ii)), which the section ``training`` trains."""

    loss: Literal["triplet", "info_nce"] = "triplet"
    """The paper's ``triplet`` loss on distances, or ``info_nce``: cross-entropy over cosines to
    the batch's other terms."""
    margin: Rate = 5.0
    """Of the triplet loss: how much nearer the positive shall be, as a Euclidean distance."""
    temperature: Rate = 0.05
    """Of ``info_nce``: what cosines are divided by."""
    unit_length: bool = False
    """Scale vectors to length 1."""
    negatives: Literal["uniform", "hard"] = "hard"
    """Terms of other concepts drawn at random, or each anchor's nearest, sought anew each epoch."""
    num_positives: Positive = 15
    """Most terms of its concept that an anchor is drawn to in an epoch."""
    num_negatives: Annotated[int, Field(ge=0, strict=True)] = 30
    """Terms that an anchor is pushed from in an epoch; 0 leaves them to ``info_nce``'s batch."""
    term_epochs: Annotated[int, Field(ge=0, strict=True)] = 0
    """So many of ``training.epochs``, the first ones, read no mention: the terminology's own
    synonyms are drawn together. Where all of them do, and no classifier is asked for, training
    needs no mention with a concept; dev does, to choose a rule on."""
    num_term_anchors: Annotated[int, Field(ge=0, strict=True)] = 0
    """Terms that are anchors beside the mentions, drawn anew each epoch: concepts that no mention
    names are not forgotten. Of ``term_epochs`` all anchors."""
    pretrained_share: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.0
    """Share of the encoder's own weights in the finished member, the rest the tuned ones: what
    tuning forgets of concepts that no mention names comes back (Wortsman et al., CVPR 2022)."""

    @model_validator(mode="after")
    def _no_ignored_option(self) -> Self:
        fields = type(self).model_fields
        other = "temperature" if self.loss == "triplet" else "margin"
        if getattr(self, other) != fields[other].default:
            raise ValueError(f"{other} is not of the loss {self.loss!r}: leave it out")
        if self.loss == "triplet" and not self.num_negatives:
            raise ValueError("the triplet loss needs num_negatives of 1 or more")
        if not self.num_negatives and self.negatives != fields["negatives"].default:
            raise ValueError("negatives needs num_negatives of 1 or more")
        if self.term_epochs and not self.num_term_anchors:
            raise ValueError("term_epochs needs num_term_anchors of 1 or more")
        return self


class ConceptsConfig(Section):
    """The concept classifier (method section 5 (i))."""

    training: TrainingConfig
    """How it is trained; the section ``training`` of the run is the similarity encoder's."""
    dropout: Dropout = 0.1
    """Before the last layer."""
    label_smoothing: Dropout = 0.1
    """Share of the target that is spread over all concepts."""
    context: bool = False
    """Read the post behind the mention."""
    cosines: bool = False
    """Read each concept's greatest TF-IDF cosine to the mention too."""


class LinkingConfig(Section):
    """How mentions are linked to concepts (method section 5), for the task that links."""

    terminology: TerminologyConfig = TerminologyConfig()
    similarity: SimilarityConfig = SimilarityConfig()
    classifier: ConceptsConfig | None = None
    """None leaves the classifier out: similarity links alone."""
    mentions_as_terms: bool = True
    """Training mentions are terms of their concept too, for similarity to find."""
    unknown_codes: Literal["count", "leave_out"] = "count"
    """Dev and test mentions whose code the terminology lacks: ``count`` them, never linked rightly,
    or ``leave_out``, where a corpus is coded in a larger system than the one linked to."""
    vectors: Literal["fp32", "int8"] = "fp32"
    """How a bundle keeps the terms' vectors: ``int8`` is a quarter of the size, rounded before
    anything is chosen on them, and read into memory where ``fp32`` is mapped from its file."""
    lexical: bool = True
    """The ``learned`` rule reads what is spelt alike, too."""
    lexical_mentions: bool = False
    """What is spelt as a training mention counts as spelt as a term of its concept; where
    ``mentions_as_terms``."""

    @model_validator(mode="after")
    def _spelling_of_mentions(self) -> Self:
        if self.lexical_mentions and not (self.lexical and self.mentions_as_terms):
            raise ValueError("lexical_mentions needs lexical and mentions_as_terms")
        return self
