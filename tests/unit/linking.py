"""A run of linkers so small that its members train in a second or two."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from smm4h_core.config import RunConfig, config_from_mapping
from smm4h_core.corpora.smm4h import write_annotated
from smm4h_core.types import AnnotatedPost, Mention, Post, Span

CONCEPTS = {
    "C1": ("Headache", "head pain", "headaches"),
    "C2": ("Nausea", "feeling sick", "queasy"),
    "C3": ("Insomnia", "no sleep", "sleepless nights"),
    "C4": ("Weight gain", "put on weight", "gained weight"),
    "C5": ("Dry mouth", "mouth dry"),
}
SAID = {"C1": "my head hurts", "C2": "sick as a dog", "C3": "awake all night", "C4": "so fat now"}
"""What people say, of four concepts; the terminology has none of it."""


def linked_posts(count: int, *, start: int = 0, unknown: bool = False) -> list[AnnotatedPost]:
    """Posts of one mention each; where asked, the last one's concept is in no terminology."""
    posts = []
    for number in range(start, start + count):
        concept_id = list(SAID)[number % len(SAID)]
        said, text = SAID[concept_id], f"day {number}: {SAID[concept_id]} again"
        at = text.index(said)
        lost = unknown and number == start + count - 1
        mention = Mention(Span(at, at + len(said)), said, concept_id="C99" if lost else concept_id)
        posts.append(AnnotatedPost(Post(f"{number}", text, "en"), True, (mention,), f"{number}"))
    return posts


def write_terms(path: Path) -> None:
    """The terminology, as a table of terms."""
    rows = [f"{concept}\t{term}" for concept, terms in CONCEPTS.items() for term in terms]
    path.write_text("concept_id\tterm\n" + "\n".join(rows) + "\n", encoding="utf-8")


def build_linking(root: Path, encoder: Path) -> Callable[..., RunConfig]:
    """Makes runs on 16 train, 8 dev and 8 test posts; keyword arguments add to sections."""
    for split, start, count in (("train", 0, 16), ("dev", 100, 8), ("test", 200, 8)):
        posts = linked_posts(count, start=start, unknown=split == "test")
        write_annotated(root / split, posts, "1c")
    write_terms(root / "terms.tsv")

    def make(name: str = "linking", **sections: dict[str, Any]) -> RunConfig:
        steps = {"precision": "fp32", "learning_rate": 3e-3, "batch_posts": 8}
        settings: dict[str, Any] = {
            "data": {
                "root": str(root),
                **{split: [{"path": split}] for split in ("train", "dev", "test")},
            },
            "encoder": {"uri": str(encoder), "max_length": 32, "pooling": "mean"},
            "linking": {
                "terminology": {"source": "terms.tsv", "name": "effects", "version": "1"},
                "similarity": {"loss": "info_nce", "num_negatives": 2, "unit_length": True},
                "classifier": {"training": {"epochs": 4, **steps}},
            },
            "training": {"epochs": 2, **steps},
            "ensemble": {"seeds": [0, 1], "rule": "learned", "threshold": "chosen"},
        }
        for section, keys in sections.items():
            settings[section] = {**settings.get(section, {}), **keys}
        storage = str(root / "runs")
        return config_from_mapping({"name": name, "task": "1c", "storage": storage, **settings})

    return make
