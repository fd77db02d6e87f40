"""All that a member of a linking run trains with and answers on: similarity, or the classifier."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from smm4h_core.config import RunConfig, TrainingConfig
from smm4h_core.encoders.base import Encoding
from smm4h_core.encoders.load import check_length
from smm4h_core.encoders.run import load_run_encoder
from smm4h_core.errors import DataError
from smm4h_core.link.build import (
    build_concepts,
    build_similarity,
    linking_of,
    load_run_terminology,
)
from smm4h_core.link.classifier import (
    ConceptBatch,
    ConceptClassifier,
    Cosines,
    concept_loss,
    make_concept_batch,
    mention_text,
    training_concepts,
)
from smm4h_core.link.contrast import Anchor, ContrastSampler
from smm4h_core.link.gold import GoldMentions, read_gold, terms_to_find
from smm4h_core.link.index import IndexKind, TermIndex, build_term_index, save_term_index
from smm4h_core.link.lexical import build_lexical_linker
from smm4h_core.link.linker import Candidates, ConceptMembers, Reading, nearest_concepts
from smm4h_core.link.part import CONCEPTS, INDEX
from smm4h_core.link.similarity import (
    ContrastBatch,
    RememberedVectors,
    SimilarityEncoder,
    encode_texts,
    info_nce_loss,
    triplet_loss,
)
from smm4h_core.link.terminology import Term, Terminology
from smm4h_core.members.data import RunPosts
from smm4h_core.members.link_predictions import LinkPredictions, write_link_predictions
from smm4h_core.members.predictions import SplitName
from smm4h_core.storage import Storage
from smm4h_core.text.batching import training_batches
from smm4h_core.training.checkpoint import Weights, mix_weights, trained_weights


@dataclass(frozen=True, slots=True, eq=False)
class LinkData:
    """Mentions of a run by use, and what they are linked to; the same for all its members."""

    terminology: Terminology
    """What mentions are linked to."""
    anchors: tuple[Anchor, ...]
    """Mentions to learn from."""
    choosing: GoldMentions
    """Of the dev posts."""
    test: GoldMentions | None
    """Of the posts reported on."""
    num_mentions: int
    """Training mentions, those that cannot be learnt from among them."""
    num_left_out: int
    """Mentions that ``known_concepts`` leaves out."""

    @property
    def uses(self) -> list[tuple[SplitName, GoldMentions]]:
        """What a member answers, the choosing split first."""
        uses: list[tuple[SplitName, GoldMentions]] = [("dev", self.choosing)]
        if self.test is not None and len(self.test):
            uses.append(("test", self.test))
        return uses

    def facts(self) -> dict[str, Any]:
        """What a member's record says of the mentions."""
        return {
            "num_train_mentions": self.num_mentions,
            "num_learnt_mentions": len(self.anchors),
            "num_left_out": self.num_left_out,
            "num_unknown": {split: gold.num_unknown for split, gold in self.uses},
        }

    def store(self, storage: Storage, answers: Sequence[list[Candidates]]) -> None:
        """Write a member's answers and the concepts that it learnt."""
        splits = [
            LinkPredictions(split, gold.post_ids, gold.groups, gold.concept_ids, tuple(found))
            for (split, gold), found in zip(self.uses, answers, strict=True)
        ]
        write_link_predictions(storage, splits)
        storage.write_json(CONCEPTS, sorted({each.concept_id for each in self.anchors}))


@dataclass(frozen=True, slots=True, eq=False)
class SimilarityMember:
    """A similarity encoder with its mentions; ``training.fit`` takes its methods as callbacks."""

    network: SimilarityEncoder
    """On its device."""
    data: LinkData
    """Mentions and terminology."""
    terms: tuple[Term, ...]
    """``(N,)`` what mentions are compared with."""
    vectors: RememberedVectors
    """Vectors under the network as it is."""
    sampler: ContrastSampler
    """Draws the batches."""
    index_kind: IndexKind | None
    """How the terms' vectors are kept; None lets their number decide."""
    loss_of: Any
    """Loss of a network and a batch."""
    pretrained: Weights
    """The encoder's own weights that training changes; empty where none are mixed in."""
    pretrained_share: float
    """Of them in the finished network, from 0 (none) to 1."""

    def num_steps(self, epoch: int) -> int:
        """About as many as `draw_batches` gives: an anchor without negatives is left out there."""
        return self.sampler.num_batches(epoch)

    def draw_batches(self, epoch: int) -> Iterator[ContrastBatch]:
        """The epoch's batches; hard negatives are sought as the epoch begins."""
        yield from self.sampler.batches(epoch)

    def loss(self, network: nn.Module, batch: ContrastBatch) -> Tensor:
        """Triplet loss or InfoNCE."""
        self.vectors.forget()  # what comes next is learnt
        loss: Tensor = self.loss_of(network, batch)
        return loss

    def choosing_f1(self) -> float:
        """Share of the choosing mentions whose nearest concept is theirs."""
        return _accuracy(self.data.choosing, self._answers(self._index(), self.data.choosing))

    def finish(self) -> None:
        """Mix the pretrained weights into the tuned ones, by the share that the run asks for."""
        if self.pretrained:
            mix_weights(self.network, self.pretrained, share=self.pretrained_share)

    def write_predictions(self, storage: Storage) -> None:
        """Store the answers, and the terms with their vectors, which a bundle takes over."""
        self.vectors.forget()  # the kept epoch's weights may be others than the last one's
        index = self._index()
        self.data.store(storage, [self._answers(index, gold) for _, gold in self.data.uses])
        save_term_index(index, storage.child(INDEX))

    def facts(self) -> dict[str, Any]:
        """What the member's record says of its mentions."""
        return {**self.data.facts(), "num_terms": len(self.terms), "num_truncated": 0}

    def _index(self) -> TermIndex:
        vectors = self.vectors([each.term for each in self.terms])
        return build_term_index(self.terms, vectors, kind=self.index_kind)

    def _answers(self, index: TermIndex, gold: GoldMentions) -> list[Candidates]:
        # Not remembered: a run that goes on from here would mine among other batches' vectors,
        # which differ in the seventh digit.
        return nearest_concepts(index, self.vectors.encode, gold.texts)


@dataclass(frozen=True, slots=True, eq=False)
class ConceptMember:
    """A concept classifier with its mentions; ``training.fit`` takes its methods as callbacks."""

    network: ConceptClassifier
    """Seeded, on ``device``."""
    data: LinkData
    """Mentions and terminology."""
    concept_ids: tuple[str, ...]
    """``(C,)`` in the order of the logits."""
    texts: list[str]
    """``(M,)`` training mentions as they are read."""
    encodings: Sequence[Encoding]
    """``(M,)`` their word-pieces."""
    cosines: Cosines | None
    """``(M, C)`` their TF-IDF cosines; None where none are read."""
    members: ConceptMembers
    """This network as a part of a linker."""
    reading: Reading
    """How it reads mentions; ``device`` is the network's."""
    label_smoothing: float
    """Of the targets."""
    training: TrainingConfig
    """Batches."""
    seed: int
    """The member's seed."""

    def num_steps(self, epoch: int) -> int:
        """As many as `draw_batches` gives."""
        return len(self._plan(epoch))

    def draw_batches(self, epoch: int) -> Iterator[ConceptBatch]:
        """The epoch's batches, made as they are asked for."""
        place = {concept_id: n for n, concept_id in enumerate(self.concept_ids)}
        targets = [place[each.concept_id] for each in self.data.anchors]
        for indices in self._plan(epoch):
            yield make_concept_batch(
                [self.texts[i] for i in indices],
                [self.encodings[i] for i in indices],
                [targets[i] for i in indices],
                pad_id=self.reading.tokeniser.pad_id,
                device=self.reading.device,
                cosines=None if self.cosines is None else self.cosines[indices],
            )

    def loss(self, network: nn.Module, batch: ConceptBatch) -> Tensor:
        """Cross-entropy of a batch."""
        return concept_loss(network, batch, label_smoothing=self.label_smoothing)

    def choosing_f1(self) -> float:
        """Share of the choosing mentions whose surest concept is theirs."""
        return _accuracy(self.data.choosing, self._answers(self.data.choosing))

    def finish(self) -> None:
        """Nothing: the kept epoch's weights answer."""

    def write_predictions(self, storage: Storage) -> None:
        """Store the answers."""
        self.data.store(storage, [self._answers(gold) for _, gold in self.data.uses])

    def facts(self) -> dict[str, Any]:
        """What the member's record says of its mentions."""
        truncated = sum(encoding.truncated for encoding in self.encodings)
        counts = {"num_concepts": len(self.concept_ids), "num_truncated": truncated}
        return {**self.data.facts(), **counts}

    def _plan(self, epoch: int) -> list[list[int]]:
        return training_batches(
            [len(encoding.input_ids) for encoding in self.encodings],
            [False] * len(self.encodings),
            batch_tokens=self.training.batch_tokens,
            batch_posts=self.training.batch_posts,
            seed=self.seed,
            epoch=epoch,
        )

    def _answers(self, gold: GoldMentions) -> list[Candidates]:
        if not len(gold):
            return []
        (found,) = self.members.propose(
            gold.texts,
            gold.contexts,
            self.reading,
        )
        return found


def build_similarity_member(
    config: RunConfig,
    posts: RunPosts,
    *,
    seed: int,
    fold: int,
    device: torch.device,
    dtype: torch.dtype,
) -> SimilarityMember:
    """Read a run's mentions and its terminology and load the similarity encoder.

    Raises:
        DataError: no mention to learn from, or a terminology that cannot be read.
        EncoderError: an encoder that cannot be loaded, or is shorter than ``max_length``.
    """
    data = read_link_data(config, posts, fold)
    linking = linking_of(config)
    similarity, batch_posts = linking.similarity, config.training.batch_posts
    assert batch_posts is not None  # the configuration was checked at its birth
    loaded = load_run_encoder(config.encoder)
    network = build_similarity(config, loaded.encoder).to(device)
    max_length = check_length(config.encoder.max_length, loaded)
    vectors = RememberedVectors(
        partial(
            encode_texts,
            network,
            loaded.tokeniser,
            max_length=max_length,
            device=device,
            dtype=dtype,
        )
    )
    terms = terms_to_find(data.terminology, data.anchors if linking.mentions_as_terms else ())
    sampler = ContrastSampler(
        data.anchors,
        terms,
        loaded.tokeniser,
        negatives=similarity.negatives,
        num_positives=similarity.num_positives,
        num_negatives=similarity.num_negatives,
        num_term_anchors=similarity.num_term_anchors,
        term_epochs=similarity.term_epochs,
        batch_contrasts=batch_posts,
        max_length=max_length,
        seed=seed,
        device=device,
        encode=vectors,
    )
    loss = (
        partial(triplet_loss, margin=similarity.margin)
        if similarity.loss == "triplet"
        else partial(info_nce_loss, temperature=similarity.temperature)
    )
    kind: IndexKind | None = "int8" if linking.vectors == "int8" else None
    share = similarity.pretrained_share
    pretrained = trained_weights(network) if share else {}
    return SimilarityMember(network, data, terms, vectors, sampler, kind, loss, pretrained, share)


def build_concept_member(
    config: RunConfig,
    posts: RunPosts,
    *,
    seed: int,
    fold: int,
    device: torch.device,
    dtype: torch.dtype,
) -> ConceptMember:
    """Read a run's mentions and build the concept classifier; seed torch before.

    Raises:
        DataError: no mention to learn from, or a terminology that cannot be read.
        EncoderError: an encoder that cannot be loaded, or is shorter than ``max_length``.
    """
    data = read_link_data(config, posts, fold)
    concepts = linking_of(config).classifier
    assert concepts is not None  # a run without it has no such member
    concept_ids = training_concepts([each.concept_id for each in data.anchors])
    loaded = load_run_encoder(config.encoder)
    network = build_concepts(config, loaded.encoder, num_concepts=len(concept_ids)).to(device)
    max_length = check_length(config.encoder.max_length, loaded)
    lexical = build_lexical_linker(data.terminology) if concepts.cosines else None
    mentions = [each.text for each in data.anchors]
    texts = [
        mention_text(each.text, each.context if concepts.context else None) for each in data.anchors
    ]
    return ConceptMember(
        network=network,
        data=data,
        concept_ids=concept_ids,
        texts=texts,
        encodings=loaded.tokeniser.encode(texts, max_length=max_length),
        cosines=lexical.greatest_cosines(mentions, concept_ids) if lexical else None,
        members=ConceptMembers(
            (network,),
            concept_ids,
            tuple(data.terminology.concepts[each].name for each in concept_ids),
            concepts.context,
            lexical,
            concepts.training.precision,
        ),
        reading=Reading(loaded.tokeniser, max_length, device, dtype),
        label_smoothing=concepts.label_smoothing,
        training=concepts.training,
        seed=seed,
    )


def read_link_data(config: RunConfig, posts: RunPosts, fold: int = 0) -> LinkData:
    """A run's mentions by use.

    Raises:
        DataError: no mention of train, where the run learns from any, or none of dev has a concept
            of the terminology, or a terminology that cannot be read.
    """
    terminology = load_run_terminology(config)
    linking = linking_of(config)
    leave_out = linking.unknown_codes == "leave_out"
    learnt, held_out = posts.parted(fold)
    train = read_gold(learnt, terminology)
    choosing = read_gold(held_out, terminology, leave_out_unknown=leave_out)
    test = read_gold(posts.test, terminology, leave_out_unknown=leave_out)
    from_terms = linking.similarity.term_epochs == config.training.epochs
    needed = {"dev": choosing} if from_terms and linking.classifier is None else {}
    for use, gold in (needed or {"train": train, "dev": choosing}).items():
        if not gold.anchors(terminology):
            raise DataError(
                f"{use}: expected mentions with concepts of {terminology.label}; of {len(gold)} "
                f"mentions none has one that it proposes"
            )
    return LinkData(
        terminology=terminology,
        anchors=train.anchors(terminology),
        choosing=choosing,
        test=test if posts.test else None,
        num_mentions=len(train),
        num_left_out=posts.num_left_out,
    )


def _accuracy(gold: GoldMentions, found: Sequence[Candidates]) -> float:
    hits = (
        bool(each) and each[0].concept_id == concept_id
        for each, concept_id in zip(found, gold.concept_ids, strict=True)
    )
    return sum(hits) / len(gold)
