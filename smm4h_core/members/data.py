"""A member's posts: read, normalised, tokenised, and cut into what it trains and answers on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smm4h_core.config import (
    MORGAN,
    CorpusRef,
    MemberPart,
    RunConfig,
    Task,
    training_digest,
)
from smm4h_core.corpora.source import read_source
from smm4h_core.corpora.splits import folds
from smm4h_core.drugs.finder import load_finder
from smm4h_core.encoders.identity import encoder_digest, encoder_folder
from smm4h_core.errors import DataError
from smm4h_core.extract.build import load_run_terms
from smm4h_core.link.build import load_run_terminology
from smm4h_core.members.predictions import SplitName
from smm4h_core.types import AnnotatedPost, Lang


@dataclass(frozen=True, slots=True)
class RunPosts:
    """Every annotated post of a run, by use."""

    pool: tuple[AnnotatedPost, ...]
    """Train posts; with folds, train and dev posts."""
    fold_of: NDArray[np.int64] | None
    """``(len(pool),)`` the fold that holds each post out; None without folds."""
    dev: tuple[AnnotatedPost, ...]
    """Posts to choose on; empty with folds, where the held-out fold serves."""
    test: tuple[AnnotatedPost, ...]
    """Posts to report on."""
    extra: tuple[AnnotatedPost, ...] = ()
    """Posts that every fold's member trains on."""
    weight_of: Mapping[str, float] = field(default_factory=dict)
    """Weights of posts of a corpus whose weight is not 1."""
    num_left_out: int = 0
    """Training mentions that ``known_concepts`` leaves out."""

    def parted(self, fold: int) -> tuple[tuple[AnnotatedPost, ...], tuple[AnnotatedPost, ...]]:
        """What a fold's member trains on, and what it is chosen on."""
        if self.fold_of is None:
            return self.pool + self.extra, self.dev
        held_out = self.fold_of == fold
        train = tuple(p for p, out in zip(self.pool, held_out, strict=True) if not out)
        choosing = tuple(p for p, out in zip(self.pool, held_out, strict=True) if out)
        return train + self.extra, choosing

    @property
    def lang_of(self) -> dict[str, Lang | None]:
        """Languages by post."""
        return {each.post.post_id: each.post.lang for each in self.all}

    @property
    def choosing_split(self) -> SplitName:
        """``dev`` or, with folds, ``oof``."""
        return "dev" if self.fold_of is None else "oof"

    @property
    def all(self) -> tuple[AnnotatedPost, ...]:
        """Every post, each once."""
        return self.pool + self.extra + self.dev + self.test


def read_run_posts(config: RunConfig) -> RunPosts:
    """Read all splits that a run names and cut its folds.

    Raises:
        DataError: for a file that does not fit, an id that stands twice, a post without a label.
    """
    data = config.data

    def read(refs: Sequence[CorpusRef]) -> tuple[AnnotatedPost, ...]:
        root = Path(data.root)
        return tuple(
            post
            for ref in refs
            for post in read_source(ref.path, config.task, ref.lang, root, types=ref.types)
        )

    train, dev, test = read(data.train), read(data.dev), read(data.test)
    num_left_out = 0
    if config.task == "1c":
        # Two corpora may code one concept by two of its terms: an LLT here, its PT there.
        beside = {e.post.post_id for e in read([r for r in data.train if r.known_concepts])}
        codes = load_run_terminology(config).concept_of_code if beside else {}
        target = [each for each in train if each.post.post_id not in beside]
        known = {concept for each in target for concept in _concepts_of(each, codes)}
        kept = tuple(
            _keep(each, known, codes) if each.post.post_id in beside else each for each in train
        )
        num_left_out = sum(len(each.mentions) for each in train)
        train, num_left_out = kept, num_left_out - sum(len(each.mentions) for each in kept)
    weight_of = {
        post.post.post_id: ref.weight
        for ref in data.train + data.extra
        if ref.weight != 1
        for post in read([ref])
    }
    posts = RunPosts(train, None, dev, test, weight_of=weight_of, num_left_out=num_left_out)
    if data.folds > 1:
        cut = folds(train + dev, data.folds, data.fold_seed)
        extra = read(data.extra)
        posts = RunPosts(train + dev, np.array(cut.part_of), (), test, extra, weight_of)
    _refuse_doubled_ids(posts.all)
    choosing, where = (posts.pool, "train and dev") if data.folds > 1 else (posts.dev, "dev")
    if not any(each.label or each.mentions for each in choosing):
        raise DataError(
            f"{where}: expected at least one ADE among {len(choosing)} posts, to choose a "
            f"threshold on; got none"
        )
    return posts


def identify(config: RunConfig, posts: RunPosts, part: MemberPart = "") -> str:
    """Digest of all that a member is made of, 12 hexadecimal digits.

    That is the configuration, the posts, the encoders' files and the molecules that the lexicon
    and the user's tables give the posts. A member of another identity is never taken for this
    run's: going on with a changed learning rate, with corrected labels or with another encoder
    under the same name must not mix two experiments.
    """
    shared = (posts.extra,) if posts.extra else ()
    parts = [training_digest(config, part)]
    parts += [fingerprint(use, config.task) for use in (posts.pool, posts.dev, posts.test, *shared)]
    # A list of terms or a terminology may change under its name.
    if config.extraction is not None:
        parts.append(_digest("\n".join(sorted(load_run_terms(config)))))
    if config.linking is not None:
        terminology = load_run_terminology(config)
        named = [(each.concept_id, each.term) for each in terminology.proposed_terms]
        # Where an LLT goes to another PT, what is annotated with it means another concept.
        codes = sorted((b, a) for a, b in terminology.concept_of_code.items() if a != b)
        parts.append(_digest("\n".join("\t".join(each) for each in (*named, *codes))))
    uris = [config.encoder.uri, *([config.molecules.uri] if config.molecules else [])]
    parts += [encoder_digest(encoder_folder(u)) for u in uris if not u.startswith(MORGAN)]
    if config.molecules is not None:
        parts.append(_digest(_molecules_of(config, posts.all)))
    return _digest("".join(parts))[:12]


def _molecules_of(config: RunConfig, posts: Sequence[AnnotatedPost]) -> str:
    finder = load_finder([Path(table) for table in config.drugs.tables])
    found = (finder.find(each.post.text, lang=each.post.lang) for each in posts)
    return "\n".join("\t".join(drug.smiles or "" for drug in drugs) for drugs in found)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def fingerprint(posts: Sequence[AnnotatedPost], task: Task) -> str:
    """Digest of ids, texts and the task's annotation, in order: tells whether runs saw the same."""
    digest = hashlib.sha256()
    for annotated in posts:
        row = f"{annotated.post.post_id}\t{annotated.post.text}\t{annotated.label}\n"
        digest.update(row.encode("utf-8", errors="surrogatepass"))
        for mention in annotated.mentions if task in ("1b", "1c") else ():
            parts = ";".join(f"{part.start}-{part.end}" for part in mention.parts)
            concept = f"\t{mention.concept_id}\t{mention.text}" if task == "1c" else ""
            digest.update(f"\t{mention.type}\t{parts}{concept}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _concepts_of(annotated: AnnotatedPost, concept_of_code: Mapping[str, str]) -> list[str | None]:
    codes = (mention.concept_id for mention in annotated.mentions)
    return [code and concept_of_code.get(code, code) for code in codes]


def _keep(
    annotated: AnnotatedPost,
    known: Collection[str | None],
    concept_of_code: Mapping[str, str],
) -> AnnotatedPost:
    concepts = zip(annotated.mentions, _concepts_of(annotated, concept_of_code), strict=True)
    kept = (mention for mention, concept_id in concepts if concept_id in known)
    return replace(annotated, mentions=tuple(kept))


def labels_of(posts: Sequence[AnnotatedPost]) -> list[bool]:
    """The posts' labels.

    Raises:
        DataError: naming a post that has none.
    """
    labels = []
    for annotated in posts:
        if annotated.label is None:
            raise DataError(f"post {annotated.post.post_id!r}: expected a label, got none")
        labels.append(annotated.label)
    return labels


def _refuse_doubled_ids(posts: Sequence[AnnotatedPost]) -> None:
    counts = Counter(annotated.post.post_id for annotated in posts)
    doubled = sorted(post_id for post_id, count in counts.items() if count > 1)
    if doubled:
        raise DataError(
            f"{len(doubled)} post id(s) stand more than once in the run's splits, "
            f"first {doubled[0]!r}; ids must differ across the corpora of a run"
        )
