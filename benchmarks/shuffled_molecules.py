"""The control of the fusion rows: a table that gives each drug of a corpus another one's molecule.

A network with a molecule encoder has more layers and one more vector than text alone. Where it is
better, the same network on molecules that are all present but belong to other drugs says whether
the structures did it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

from smm4h_core.config import RunConfig
from smm4h_core.drugs.finder import load_finder
from smm4h_core.members.data import read_run_posts
from smm4h_core.types import AnnotatedPost

SEED = 0


def write_shuffled_molecules(config: RunConfig) -> Path:
    """Write the one table of drugs that a control names, unless it is there.

    Every drug of the run's posts whose molecule is known gets the molecule of another of them,
    always the same one, drawn with `SEED`. Which drugs are found in which post stays as it is.
    """
    (table,) = (Path(each) for each in config.drugs.tables)
    if not table.exists():
        shuffled = shuffle_molecules(molecules_of(read_run_posts(config).all))
        table.parent.mkdir(parents=True, exist_ok=True)
        rows = (f"{drug}\t{drug}\t{smiles}\n" for drug, smiles in shuffled.items())
        table.write_text("name\tdrug\tsmiles\n" + "".join(rows), encoding="utf-8")
    return table


def molecules_of(posts: Iterable[AnnotatedPost]) -> dict[str, str]:
    """SMILES by drug, of the drugs that the packaged lexicon finds in posts, by name."""
    finder = load_finder()
    found = {
        drug.name: drug.smiles
        for each in posts
        for drug in finder.find(each.post.text, lang=each.post.lang)
        if drug.smiles
    }
    return dict(sorted(found.items()))


def shuffle_molecules(molecules: dict[str, str]) -> dict[str, str]:
    """Give each drug the SMILES of the next one of a random circle, so that none keeps its own."""
    circle = random.Random(SEED).sample(list(molecules), len(molecules))
    return {
        drug: molecules[after] for drug, after in zip(circle, circle[1:] + circle[:1], strict=True)
    }
