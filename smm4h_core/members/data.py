"""A member's posts: read, normalised, tokenised, and cut into what it trains and answers on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smm4h_core.config import MORGAN, CorpusRef, RunConfig, training_digest
from smm4h_core.corpora.source import read_source
from smm4h_core.corpora.splits import folds
from smm4h_core.drugs.finder import load_finder
from smm4h_core.encoders.identity import encoder_digest, encoder_folder
from smm4h_core.errors import DataError
from smm4h_core.types import AnnotatedPost


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
            post for ref in refs for post in read_source(ref.path, config.task, ref.lang, root)
        )

    train, dev, test = read(data.train), read(data.dev), read(data.test)
    posts = RunPosts(train, None, dev, test)
    if data.folds > 1:
        cut = folds(train + dev, data.folds, data.fold_seed)
        posts = RunPosts(train + dev, np.array(cut.part_of), (), test, read(data.extra))
    _refuse_doubled_ids(posts.all)
    return posts


def identify(config: RunConfig, posts: RunPosts) -> str:
    """Digest of all that a member is made of, 12 hexadecimal digits.

    That is the configuration, the posts, the encoders' files and the molecules that the lexicon
    and the user's tables give the posts. A member of another identity is never taken for this
    run's: going on with a changed learning rate, with corrected labels or with another encoder
    under the same name must not mix two experiments.
    """
    shared = (posts.extra,) if posts.extra else ()
    parts = [training_digest(config)]
    parts += [fingerprint(use) for use in (posts.pool, posts.dev, posts.test, *shared)]
    uris = [config.encoder.uri, *([config.molecules.uri] if config.molecules else [])]
    parts += [encoder_digest(encoder_folder(u)) for u in uris if not u.startswith(MORGAN)]
    if config.molecules is not None:
        parts.append(_fingerprint_molecules(config, posts.all))
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:12]


def _fingerprint_molecules(config: RunConfig, posts: Sequence[AnnotatedPost]) -> str:
    finder = load_finder([Path(table) for table in config.drugs.tables])
    digest = hashlib.sha256()
    for annotated in posts:
        found = finder.find(annotated.post.text, lang=annotated.post.lang)
        digest.update(("\t".join(drug.smiles or "" for drug in found) + "\n").encode())
    return digest.hexdigest()


def fingerprint(posts: Sequence[AnnotatedPost]) -> str:
    """Digest of ids, texts and labels, in order: tells whether two runs saw the same posts."""
    digest = hashlib.sha256()
    for annotated in posts:
        row = f"{annotated.post.post_id}\t{annotated.post.text}\t{annotated.label}\n"
        digest.update(row.encode("utf-8", errors="surrogatepass"))
    return digest.hexdigest()


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
