"""A bundle's README.md, made from its manifest: what it is, what was measured, its limits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from smm4h_core.measures import shown_measures

_DOES = {
    "classifier": "Says for each whether it reports an adverse drug effect, with a probability and "
    "the members' votes.",
    "extractor": "Marks the words that say an adverse drug effect, each with a probability and the "
    "members' votes.",
    "linker": "Links each mention to a concept of a terminology, or says that none is sure enough.",
}
_LANGUAGES = {"en": "English", "ru": "Russian"}


def kind_of(part: str) -> str:
    """A part's kind, by its key in the manifest: ``classifier`` of ``classifier-ru``."""
    return part.partition("-")[0]


def write_model_card(manifest: Mapping[str, Any], path: Path) -> None:
    """Write the model card of a manifest as Markdown."""
    path.write_text(format_model_card(manifest), encoding="utf-8")


def format_model_card(manifest: Mapping[str, Any]) -> str:
    """The model card as Markdown."""
    languages = " and ".join(_LANGUAGES[lang] for lang in manifest["languages"])
    parts = manifest["parts"]
    configs = {name: part["configuration"] for name, part in parts.items()}
    described = [config["description"] for config in configs.values() if config["description"]]
    credited = [line for config in configs.values() for line in config.get("credits", ())]
    measured_on = [
        ref["path"]
        for config in configs.values()
        for use in ("train", "dev", "test")
        for ref in config["data"][use]
        if use != "train" or config["data"]["folds"] > 1
    ]
    lines = [
        f"# {manifest['name']} {manifest['version']}",
        "",
        *(described or ["Reads posts for adverse drug effects."]),
        "",
        "## What it does",
        "",
        f"Takes {languages} social-media posts.",
        *dict.fromkeys(_DOES[kind_of(name)] for name in parts),
        "",
        "It is meant for screening posts that people then read. It is no medical device, gives no",
        "advice, and its answer about one person's post is not evidence about that person.",
        "",
        "## How it was made",
        "",
        f"Created: {manifest['created']}",
        "",
    ]
    for name, part in parts.items():
        lines += _made(name, part)
    lines += ["", "## What was measured", ""]
    if any(path.startswith("sample:") for path in measured_on):
        lines += ["**The posts are synthetic: these numbers say nothing about real text.**", ""]
    lines += [
        "| part | split | n | measure | precision | recall | value [95 %] |",
        "|---|---|---|---|---|---|---|",
        *(row for name, part in parts.items() for row in _measured(name, part)),
        "",
        "## Limits",
        "",
        "- Measured on the corpora above alone; other platforms, years and drugs will differ.",
        *dict.fromkeys(_limit(config) for config in configs.values()),
        "- The share of posts that report an effect moves precision: choose the threshold anew on",
        "  posts of your own before you rely on counts.",
        "",
    ]
    if credited:
        lines += ["## Credits", "", *(f"- {line}" for line in dict.fromkeys(credited)), ""]
    return "\n".join(lines)


def _made(name: str, part: Mapping[str, Any]) -> list[str]:
    config = part["configuration"]
    trained_on = ", ".join(ref["path"] for ref in config["data"]["train"])
    return [
        f"- The {name}'s encoder: `{config['encoder']['uri']}`; "
        f"members: {len(config['ensemble']['seeds'])} seeds x {config['data']['folds']} fold(s), "
        f"joined by {part['rule']['kind']}",
        f"- The {name} was trained on: {trained_on} (fingerprint {part['training_data'][:12]})",
    ]


def _measured(name: str, part: Mapping[str, Any]) -> list[str]:
    splits = {"dev": "dev (chosen on)", "oof": "out of fold (chosen on)", "test": "test"}
    rows = []
    for split, score in part["scores"].items():
        for measure in shown_measures(score):
            n, what, precision, recall, value = measure.cells
            rows.append(
                f"| {name} | {splits[split]} | {n} | {what} | {precision} | {recall} | {value} |"
            )
    return rows


def _limit(config: Mapping[str, Any]) -> str:
    length = config["encoder"]["max_length"]
    if config.get("linking"):
        return f"- Of a mention {length} word-pieces are read."
    if config.get("extraction"):
        return f"- Mentions in posts beyond {length} word-pieces are sought window by window."
    return f"- To classify, posts beyond {length} word-pieces are cut at their end."
