"""A run of taggers so small that a member trains in a second or two."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from smm4h_core.config import RunConfig, config_from_mapping
from smm4h_core.corpora.smm4h import write_annotated
from smm4h_core.types import AnnotatedPost, Mention, Post, Span
from tests.tiny_bert import save_tiny_bert

EFFECTS = ("dry mouth", "rash", "bad dreams", "weight gain", "headaches")
FRAMES = ("it gave me {} 🙂 and no sleep", "no idea what to say of this", "so {}, again!", "{}")


def tagged_posts(count: int, *, start: int = 0) -> list[AnnotatedPost]:
    """Posts of few words, of which three in four mention one effect."""
    posts = []
    for number in range(start, start + count):
        effect, frame = EFFECTS[number % len(EFFECTS)], FRAMES[number % len(FRAMES)]
        text = frame.format(effect)
        mentions: tuple[Mention, ...] = ()
        if "{}" in frame:
            at = frame.index("{}")
            mentions = (Mention(Span(at, at + len(effect)), effect),)
        post = Post(f"{number}", text, "en")
        posts.append(AnnotatedPost(post, bool(mentions), mentions, group=f"{number}"))
    return posts


def save_word_bert(folder: Path) -> Path:
    """A random BERT of 32 dimensions without dropout that knows the words of `tagged_posts`."""
    texts = " ".join((*EFFECTS, *FRAMES)).replace("{}", " ")
    words = sorted({word.strip(",!") for word in texts.split()} | {",", "!"})
    return save_tiny_bert(
        folder,
        words,
        num_hidden_layers=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )


def build_tagging(root: Path, encoder: Path) -> Callable[..., RunConfig]:
    """Makes runs on 16 train, 8 dev and 8 test posts; keyword arguments add to sections."""
    for split, start, count in (("train", 0, 16), ("dev", 100, 8), ("test", 200, 8)):
        write_annotated(root / split, tagged_posts(count, start=start), "1b")

    def make(name: str = "tagging", **sections: dict[str, Any]) -> RunConfig:
        settings: dict[str, Any] = {
            "data": {
                "root": str(root),
                **{split: [{"path": split}] for split in ("train", "dev", "test")},
            },
            "encoder": {"uri": str(encoder), "max_length": 48},
            "network": {"dropout": 0.0},
            "extraction": {"stride": 8},
            "training": {
                **{"epochs": 1, "learning_rate": 3e-3, "batch_posts": 4, "precision": "fp32"},
                "checkpoint_steps": 1,
            },
            "ensemble": {"seeds": [0, 1], "rule": "vote"},
        }
        for section, keys in sections.items():
            settings[section] = {**settings.get(section, {}), **keys}
        storage = str(root / "runs")
        return config_from_mapping({"name": name, "task": "1b", "storage": storage, **settings})

    return make
