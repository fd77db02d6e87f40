"""All that one member of an extraction run trains with and answers on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from smm4h_core.config import RunConfig, TrainingConfig
from smm4h_core.corpora.source import count_left_out
from smm4h_core.encoders.load import check_length
from smm4h_core.encoders.run import load_run_encoder
from smm4h_core.evaluation.counts import score_counts
from smm4h_core.evaluation.spans import count_spans
from smm4h_core.extract.answers import TaggerAnswers, answer_posts
from smm4h_core.extract.build import build_matcher, build_tagger, load_run_terms
from smm4h_core.extract.decode import to_mention
from smm4h_core.extract.encode import WordedPost, WordPlaces
from smm4h_core.extract.network import (
    TaggedBatch,
    Tagger,
    WindowAt,
    make_tagged_batch,
    tagging_loss,
    windows_with_words,
)
from smm4h_core.extract.part import encode_for_tagger
from smm4h_core.extract.tags import GoldTags, tag_mentions
from smm4h_core.members.data import RunPosts
from smm4h_core.members.predictions import SplitName
from smm4h_core.members.span_predictions import SpanPredictions, write_span_predictions
from smm4h_core.storage import Storage
from smm4h_core.text.batching import training_batches
from smm4h_core.types import AnnotatedPost


@dataclass(frozen=True, slots=True, eq=False)
class TaggedPosts:
    """Posts of one use, as words with their gold tags."""

    posts: tuple[AnnotatedPost, ...]
    """As read."""
    worded: list[WordedPost]
    """What a tagger reads of them, in order."""
    places: list[WordPlaces]
    """Where their words stand."""
    gold: list[GoldTags]
    """Their mentions as tags."""


@dataclass(frozen=True, slots=True, eq=False)
class Extraction:
    """A tagger with its posts; ``training.fit`` takes its methods as callbacks."""

    network: Tagger
    """Seeded, on ``device``."""
    train: TaggedPosts
    """What it learns from."""
    windows: list[WindowAt]
    """Windows of ``train`` that have a word."""
    weights: list[float]
    """How much the words of each post of ``train`` count."""
    num_left_out: int
    """Spans of the training corpora that their ``types`` leave out."""
    choosing: TaggedPosts
    """Dev posts, or the fold held out."""
    choosing_split: SplitName
    """``dev`` or ``oof``."""
    test: TaggedPosts | None
    """Posts reported on; predicted once, at the end."""
    training: TrainingConfig
    """Batches, sampling."""
    seed: int
    """The member's seed."""
    pad_id: int
    """Fills a batch."""
    dtype: torch.dtype
    """Of matrix products."""
    device: torch.device
    """Where the network is."""

    def plan(self, epoch: int) -> list[list[int]]:
        """Indices into ``windows`` of each batch of an epoch."""
        own = [self.train.worded[post].windows[number] for post, number in self.windows]
        tags = [self.train.gold[post].tags for post, _ in self.windows]
        return training_batches(
            [len(window.encoding.input_ids) for window in own],
            [bool(each[window.words].any()) for each, window in zip(tags, own, strict=True)],
            batch_tokens=self.training.batch_tokens,
            batch_posts=self.training.batch_posts,
            oversample=self.training.oversample,
            seed=self.seed,
            epoch=epoch,
        )

    def num_steps(self, epoch: int) -> int:
        """As many as `draw_batches` gives."""
        return len(self.plan(epoch))

    def draw_batches(self, epoch: int) -> Iterator[TaggedBatch]:
        """The epoch's batches, made as they are asked for."""
        for indices in self.plan(epoch):
            yield make_tagged_batch(
                self.train.worded,
                self.train.gold,
                [self.windows[i] for i in indices],
                pad_id=self.pad_id,
                device=self.device,
                weights=self.weights,
            )

    def loss(self, network: nn.Module, batch: TaggedBatch) -> Tensor:
        """Mean loss of a batch's words."""
        return tagging_loss(network, batch)

    def choosing_f1(self) -> float:
        """Strict F1 on the choosing posts, one to one, coordinations left whole."""
        gold = {each.post.post_id: each.mentions for each in self.choosing.posts}
        answers = self._answers(self.choosing)
        found = {
            each.post.post_id: [to_mention(span, each.post.text) for span in spans]
            for each, spans in zip(self.choosing.posts, answers.spans, strict=True)
        }
        return score_counts(count_spans(gold, found, task="1b").one_to_one.strict).f1

    def predictions(self) -> list[SpanPredictions]:
        """The network's answers on the choosing posts and, where there are any, the test posts."""
        uses = [(self.choosing_split, self.choosing)]
        if self.test is not None:
            uses.append(("test", self.test))
        return [
            SpanPredictions(
                split=split,
                post_ids=tuple(each.post.post_id for each in tagged.posts),
                groups=tuple(each.group for each in tagged.posts),
                gold=tuple(each.mentions for each in tagged.posts),
                places=tagged.places,
                answers=self._answers(tagged),
            )
            for split, tagged in uses
        ]

    def finish(self) -> None:
        """Nothing: the kept epoch's weights answer."""

    def write_predictions(self, storage: Storage) -> None:
        """Store `predictions` in the member's folder."""
        write_span_predictions(storage, self.predictions())

    def facts(self) -> dict[str, Any]:
        """What the member's record says of its posts and of what tags cannot say of them."""
        uses = [use for use in (self.train, self.choosing, self.test) if use is not None]
        return {
            "num_train_posts": len(self.train.posts),
            "num_truncated": 0,  # long posts are cut into windows instead
            "num_windowed": sum(len(each.windows) > 1 for use in uses for each in use.worded),
            "num_train_mentions": sum(len(each.mentions) for each in self.train.posts),
            "num_left_out": self.num_left_out,
            "num_moved": sum(each.num_moved for each in self.train.gold),
            "num_wordless": sum(each.num_wordless for each in self.train.gold),
            "num_overlapping": sum(each.num_overlapping for each in self.train.gold),
        }

    def _answers(self, tagged: TaggedPosts) -> TaggerAnswers:
        return answer_posts(
            self.network,
            tagged.worded,
            tagged.places,
            pad_id=self.pad_id,
            dtype=self.dtype,
            device=self.device,
        )


def build_extraction(
    config: RunConfig,
    posts: RunPosts,
    *,
    seed: int,
    fold: int,
    device: torch.device,
    dtype: torch.dtype,
) -> Extraction:
    """Word and tokenise a run's posts and build the network; seed torch before.

    Raises:
        DataError: a list of terms that cannot be read.
        ConfigError: an overlap of windows that leaves no room.
        EncoderError: an encoder that cannot be loaded, or is shorter than ``max_length``.
    """
    train, choosing = posts.parted(fold)
    loaded = load_run_encoder(config.encoder)
    network = build_tagger(config, loaded.encoder).to(device)
    max_length = check_length(config.encoder.max_length, loaded)
    terms = build_matcher(load_run_terms(config))

    def encode(annotated: tuple[AnnotatedPost, ...]) -> TaggedPosts:
        plain = [each.post for each in annotated]
        worded = encode_for_tagger(
            config, plain, loaded.tokeniser, max_length=max_length, terms=terms
        )
        gold = [
            tag_mentions(each.mentions, own.normalised, own.words)
            for each, own in zip(annotated, worded, strict=True)
        ]
        return TaggedPosts(annotated, worded, [each.places() for each in worded], gold)

    learnt = encode(train)
    return Extraction(
        network=network,
        train=learnt,
        windows=windows_with_words(learnt.worded),
        num_left_out=sum(
            count_left_out(ref.path, ref.lang, Path(config.data.root), ref.types)
            for ref in config.data.train + config.data.extra
            if ref.types is not None
        ),
        weights=[posts.weight_of.get(each.post.post_id, 1.0) for each in train],
        choosing=encode(choosing),
        choosing_split=posts.choosing_split,
        test=encode(posts.test) if posts.test else None,
        training=config.training,
        seed=seed,
        pad_id=loaded.tokeniser.pad_id,
        dtype=dtype,
        device=device,
    )
