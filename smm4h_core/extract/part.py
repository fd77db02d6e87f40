"""The part of a bundle that marks the ADEs in posts: saved, loaded, answering."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from smm4h_core.config import RunConfig
from smm4h_core.encoders.base import Tokeniser
from smm4h_core.encoders.inference import ask_each
from smm4h_core.encoders.load import check_length
from smm4h_core.encoders.precision import Precision, choose_dtype
from smm4h_core.encoders.run import (
    NamedBases,
    build_run_encoder,
    carries_base,
    load_run_encoder,
    save_run_encoder,
)
from smm4h_core.extract.answers import answer_posts, join_folds
from smm4h_core.extract.build import build_matcher, build_tagger, extraction_of, load_run_terms
from smm4h_core.extract.dictionary import TermMatcher
from smm4h_core.extract.encode import WordedPost, encode_words
from smm4h_core.extract.mentions import quote_spans
from smm4h_core.extract.network import Tagger
from smm4h_core.extract.rule import SpanMean, SpanRule, combine_spans, span_rule_from_json
from smm4h_core.storage import Storage
from smm4h_core.training.stored_networks import load_networks, save_networks
from smm4h_core.types import FoundMention, Post

TERMS = "terms.json"


@dataclass(frozen=True, slots=True, eq=False)
class ExtractorPart:
    """An ensemble of taggers."""

    config: RunConfig
    """The configuration it was trained with; normaliser options and lengths come from here."""
    rule: SpanRule
    """How the members are joined, calibration included."""
    tokeniser: Tokeniser
    """Cuts normalised texts into word-pieces."""
    networks: tuple[tuple[Tagger, ...], ...]
    """``(S, F)`` members by seed and fold; frozen tables are shared between them."""
    max_length: int
    """Word-pieces of a window."""
    terms: TermMatcher | None
    """The dictionary that the networks were trained with; None where they read none."""

    @property
    def precisions(self) -> frozenset[Precision]:
        """What the networks multiply in."""
        return frozenset({self.config.training.precision})

    def extract(
        self, posts: Sequence[Post], *, device: torch.device
    ) -> list[tuple[FoundMention, ...]]:
        """Each post's mentions in order of appearance; the networks are on ``device``."""
        worded = encode_for_tagger(
            self.config, posts, self.tokeniser, max_length=self.max_length, terms=self.terms
        )
        places = [each.places() for each in worded]
        ask = partial(
            answer_posts,
            posts=worded,
            places=places,
            pad_id=self.tokeniser.pad_id,
            dtype=choose_dtype(self.config.training.precision, device),
            device=device,
            with_scores=isinstance(self.rule, SpanMean) or len(self.networks[0]) > 1,
        )
        answers = iter(ask_each(ask, list(chain.from_iterable(self.networks)), device=device))
        members = [join_folds([next(answers) for _ in folds], places) for folds in self.networks]
        found = combine_spans(self.rule, members, places)
        return [
            quote_spans(
                spans,
                post.text,
                num_members=len(members),
                take_apart=extraction_of(self.config).coordination,
                terms=self.terms,
            )
            for spans, post in zip(found, posts, strict=True)
        ]


def encode_for_tagger(
    config: RunConfig,
    posts: Sequence[Post],
    tokeniser: Tokeniser,
    *,
    max_length: int,
    terms: TermMatcher | None,
) -> list[WordedPost]:
    """Posts as a run's taggers read them: the one way, of training, evaluation and serving."""
    return encode_words(
        posts,
        tokeniser,
        max_length=max_length,
        stride=extraction_of(config).stride,
        emoji=config.text.emoji,
        terms=terms,
        word_features=extraction_of(config).word_features,
    )


def save_extractor(
    config: RunConfig, members: Sequence[Sequence[Storage]], *, weights_name: str, folder: Path
) -> None:
    """Write all but the rule; see `smm4h_core.bundle.save_bundle`."""
    loaded = load_run_encoder(config.encoder)
    save_run_encoder(config.encoder, loaded, folder / "encoder")
    terms = sorted(load_run_terms(config))
    text = json.dumps(terms, ensure_ascii=False, indent=0) + "\n"
    (folder / TERMS).write_text(text, encoding="utf-8")
    save_networks(
        build_tagger(config, loaded.encoder),
        members,
        seeds=config.ensemble.seeds,
        weights_name=weights_name,
        folder=folder,
        with_frozen=carries_base(config.encoder),
    )


def load_extractor(
    config: RunConfig,
    rule: Mapping[str, Any],
    folder: Path,
    bases: NamedBases | None = None,
) -> ExtractorPart:
    """Load what `save_extractor` wrote.

    Args:
        config: The run's.
        rule: How the members are joined, as JSON has it.
        folder: The part's.
        bases: Encoders that the bundle's parts share; None shares none.

    Raises:
        BundleError: naming the file, or the key of the rule, that does not fit.
    """
    joined = span_rule_from_json(rule)
    loaded = build_run_encoder(config.encoder, folder / "encoder", bases)
    networks = load_networks(
        build_tagger(config, loaded.encoder),
        seeds=config.ensemble.seeds,
        num_folds=config.data.folds,
        folder=folder,
        with_frozen=carries_base(config.encoder),
    )
    return ExtractorPart(
        config=config,
        rule=joined,
        tokeniser=loaded.tokeniser,
        networks=networks,
        max_length=check_length(config.encoder.max_length, loaded),
        terms=build_matcher(json.loads((folder / TERMS).read_text(encoding="utf-8"))),
    )
