"""What the similarity encoder is trained on: anchors, their positives, and negatives mined anew.

Method, section 5 (ii): up to 15 positive terms and 30 negatives a mention, negatives drawn
uniformly or the nearest ones under the current encoder. The lineage skipped every concept that the
encoder ranked above the gold one, which are the hardest; here they are kept.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from smm4h_core.encoders.base import Encoding, Tokeniser, pad_encodings
from smm4h_core.errors import DataError
from smm4h_core.link.index import build_term_index
from smm4h_core.link.similarity import ContrastBatch, Vectors
from smm4h_core.link.terminology import Term

NUM_POSITIVES = 15
MOST_MINED = 500
"""Nearest terms that are looked at for an anchor's negatives, about: each is a vector in memory."""
NUM_NEGATIVES = 30
Negatives = Literal["uniform", "hard"]


@dataclass(frozen=True, slots=True)
class Anchor:
    """A text whose concept is known: an annotated mention, or a term of the terminology."""

    text: str
    """The text."""
    concept_id: str
    """Its concept."""
    context: str | None = None
    """The post that a mention stands in."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """An anchor, one positive and some negatives, as places in lists of anchors and terms."""

    anchor: int
    """Which anchor."""
    positive: int
    """Which term, of its concept."""
    negatives: tuple[int, ...]
    """Which terms, of other concepts."""


def draw_contrasts(
    anchors: Sequence[Anchor],
    terms: Sequence[Term],
    *,
    hard: Sequence[Sequence[int]] | None,
    num_positives: int = NUM_POSITIVES,
    num_negatives: int = NUM_NEGATIVES,
    seed: int,
    epoch: int,
) -> list[Contrast]:
    """One epoch's contrasts, an anchor's together, anchors shuffled; the same on every call.

    Each of up to ``num_positives`` terms of an anchor's concept, the anchor's own string apart, is
    one contrast; the anchor's negatives are dealt out to them in turn. An anchor without such a
    term has none.

    Args:
        anchors: Texts with their concepts.
        terms: ``(N,)`` the terms to draw from.
        hard: Negatives of each anchor as places in ``terms`` (see `mine_negatives`); None draws
            uniformly among terms of other concepts.
        num_positives: Most positives of an anchor.
        num_negatives: Negatives of an anchor; 0 leaves them to the batch.
        seed: The member's seed.
        epoch: Counts from 0.
    """
    rng = random.Random(f"{seed}/{epoch}")
    by_concept: dict[str, list[int]] = {}
    for place, term in enumerate(terms):
        by_concept.setdefault(term.concept_id, []).append(place)
    if num_negatives and len(by_concept) < 2:
        raise DataError("expected terms of two concepts at least, to draw negatives from")
    order = list(range(len(anchors)))
    rng.shuffle(order)
    contrasts: list[Contrast] = []
    for which in order:
        anchor = anchors[which]
        own = by_concept.get(anchor.concept_id, [])
        folded = anchor.text.casefold()
        positives = [place for place in own if terms[place].term.casefold() != folded]
        positives = rng.sample(positives, min(num_positives, len(positives)))
        if not positives:
            continue
        if hard is None:
            negatives = _draw_uniformly(anchor.concept_id, terms, num_negatives, rng)
        else:
            negatives = list(hard[which][:num_negatives])
        if num_negatives and not negatives:
            continue
        for turn, positive in enumerate(positives):
            # Where negatives are fewer than positives, they are dealt out again.
            dealt = (
                negatives[turn :: len(positives)] or negatives[turn % (len(negatives) or 1) :][:1]
            )
            contrasts.append(Contrast(which, positive, tuple(dealt)))
    return contrasts


def mine_negatives(
    anchors: Sequence[Anchor],
    terms: Sequence[Term],
    *,
    encode: Callable[[Sequence[str]], Vectors],
    num_negatives: int = NUM_NEGATIVES,
) -> list[tuple[int, ...]]:
    """Each anchor's nearest terms of other concepts under the current encoder, a concept once.

    Concepts that stand above the anchor's own are among them. A term of the anchor's own string is
    not: two concepts share it, and no encoder could part them.

    Args:
        anchors: Texts with their concepts.
        terms: ``(N,)`` the terms.
        encode: Texts to vectors, by `encode_texts` with the current weights.
        num_negatives: Negatives of an anchor.
    """
    index = build_term_index(terms, encode([term.term for term in terms]))
    queries = encode([each.text for each in anchors])
    mined: list[tuple[int, ...]] = [()] * len(anchors)
    # A concept counts once, whatever its terms (three on average), and the anchor's own never: the
    # nearest terms of a concept with many may all be its own, so that more must be looked at.
    pending, wanted = np.arange(len(anchors)), 3 * num_negatives + NUM_POSITIVES
    while len(pending):
        places, _ = index.search(queries[pending], num_terms=wanted)
        left = []
        for which, nearest in zip(pending.tolist(), places.tolist(), strict=True):
            mined[which] = _nearest_others(anchors[which], terms, nearest, num_negatives)
            if len(mined[which]) < num_negatives and wanted < min(len(terms), MOST_MINED):
                left.append(which)
        pending, wanted = np.array(left, dtype=np.int64), 4 * wanted
    return mined


def _nearest_others(
    anchor: Anchor, terms: Sequence[Term], nearest: Sequence[int], num_negatives: int
) -> tuple[int, ...]:
    """The first place of each other concept, -1, which an approximate index answers, apart."""
    folded = anchor.text.casefold()
    chosen: dict[str, int] = {}
    for place in nearest:
        term = terms[place]
        is_other = term.concept_id != anchor.concept_id and term.term.casefold() != folded
        if place >= 0 and is_other:
            chosen.setdefault(term.concept_id, place)
    return tuple(chosen.values())[:num_negatives]


def _usable_anchors(terms: Sequence[Term]) -> tuple[Anchor, ...]:
    """Terms whose concept has another one."""
    counts = Counter(term.concept_id for term in terms)
    return tuple(Anchor(t.term, t.concept_id) for t in terms if counts[t.concept_id] > 1)


def _draw_uniformly(
    concept_id: str, terms: Sequence[Term], num_negatives: int, rng: random.Random
) -> list[int]:
    drawn: list[int] = []
    while len(drawn) < num_negatives:
        place = rng.randrange(len(terms))
        if terms[place].concept_id != concept_id:
            drawn.append(place)
    return drawn


class ContrastSampler:
    """Batches of an epoch, drawn with the network as it is when the epoch begins.

    Checkpoint between epochs only: within one, a resumed network would mine other negatives.
    ``encode`` makes vectors with the network as it is, to mine by; the first ``term_epochs`` read
    no mention.
    """

    def __init__(
        self,
        anchors: Sequence[Anchor],
        terms: Sequence[Term],
        tokeniser: Tokeniser,
        *,
        negatives: Negatives,
        num_positives: int = NUM_POSITIVES,
        num_negatives: int = NUM_NEGATIVES,
        num_term_anchors: int = 0,
        term_epochs: int = 0,
        batch_contrasts: int = 32,
        max_length: int = 64,
        seed: int = 0,
        device: torch.device,
        encode: Callable[[Sequence[str]], Vectors],
    ) -> None:
        self.anchors = tuple(anchors)
        """Annotated mentions."""
        self.terms = tuple(terms)
        """What they are to be linked to."""
        self._tokeniser = tokeniser
        self._negatives = negatives
        self._counts = {"num_positives": num_positives, "num_negatives": num_negatives}
        self._num_term_anchors = num_term_anchors
        self._term_epochs = term_epochs
        self._batch_contrasts = batch_contrasts
        self._max_length = max_length
        self._seed = seed
        self._device = device
        self._encode = encode
        self._usable = _usable_anchors(self.terms) if num_term_anchors else ()
        self._encodings: dict[str, Encoding] = {}
        self._numbers = {
            concept_id: number
            for number, concept_id in enumerate(
                sorted({a.concept_id for a in self.anchors} | {t.concept_id for t in self.terms})
            )
        }

    def batches(self, epoch: int) -> Iterator[ContrastBatch]:
        """The epoch's batches; an anchor's contrasts share one, so that it is encoded once.

        Terms drawn as further anchors (``num_term_anchors``, drawn anew each epoch) keep the
        encoder from forgetting the concepts that no mention names.

        Raises:
            DataError: nothing to learn from, which would pass for training.
        """
        anchors = self._draw_anchors(epoch)
        hard = None
        if self._negatives == "hard" and self._counts["num_negatives"]:
            hard = mine_negatives(
                anchors,
                self.terms,
                encode=self._encode,
                num_negatives=self._counts["num_negatives"],
            )
        contrasts = draw_contrasts(
            anchors, self.terms, hard=hard, **self._counts, seed=self._seed, epoch=epoch
        )
        if not contrasts:
            raise DataError(
                f"epoch {epoch}: expected texts with another term of their concept and terms of "
                f"other concepts, got none among {len(anchors)}"
            )
        for start in range(0, len(contrasts), self._batch_contrasts):
            yield self._batch(contrasts[start : start + self._batch_contrasts], anchors)

    def num_batches(self, epoch: int) -> int:
        """Batches of an epoch, for the schedule: where too few negatives are found, some fewer."""
        counts = {**self._counts, "num_negatives": 0}
        drawn = draw_contrasts(
            self._draw_anchors(epoch), self.terms, hard=None, **counts, seed=self._seed, epoch=epoch
        )
        return -(-len(drawn) // self._batch_contrasts)

    def _draw_anchors(self, epoch: int) -> tuple[Anchor, ...]:
        rng = random.Random(f"terms/{self._seed}/{epoch}")
        drawn = rng.sample(self._usable, min(self._num_term_anchors, len(self._usable)))
        return tuple(drawn) if epoch < self._term_epochs else (*self.anchors, *drawn)

    def _batch(self, contrasts: Sequence[Contrast], anchors: Sequence[Anchor]) -> ContrastBatch:
        rows: dict[tuple[str, str], int] = {}

        def row(text: str, concept_id: str) -> int:
            return rows.setdefault((text, concept_id), len(rows))

        def term_row(place: int) -> int:
            return row(self.terms[place].term, self.terms[place].concept_id)

        chosen = [anchors[each.anchor] for each in contrasts]
        anchor_rows = [row(each.text, each.concept_id) for each in chosen]
        positives = [term_row(each.positive) for each in contrasts]
        # A tensor wants as many negatives each: those that have fewer repeat their own.
        width = max(len(each.negatives) for each in contrasts)
        negatives = np.zeros((len(contrasts), width), dtype=np.int64)
        for line, each in zip(negatives, contrasts, strict=True):
            own = [term_row(place) for place in each.negatives]
            line[:] = (own * width)[:width]
        encodings = [self._encoding(text) for text, _ in rows]
        numbers = [self._numbers[concept_id] for _, concept_id in rows]
        return ContrastBatch(
            post_ids=tuple(each.text for each in chosen),
            tokens=pad_encodings(encodings, pad_id=self._tokeniser.pad_id).to(self._device),
            concepts=torch.tensor(numbers, device=self._device),
            anchors=torch.tensor(anchor_rows, device=self._device),
            positives=torch.tensor(positives, device=self._device),
            negatives=torch.from_numpy(negatives).to(self._device),
        )

    def _encoding(self, text: str) -> Encoding:
        if text not in self._encodings:
            (self._encodings[text],) = self._tokeniser.encode([text], max_length=self._max_length)
        return self._encodings[text]
