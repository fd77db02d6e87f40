"""A bundle's README.md, made from its manifest: what it is, what was measured, its limits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_LANGUAGES = {"en": "English", "ru": "Russian"}


def write_model_card(manifest: Mapping[str, Any], path: Path) -> None:
    """Write the model card of a manifest as Markdown."""
    path.write_text(format_model_card(manifest), encoding="utf-8")


def format_model_card(manifest: Mapping[str, Any]) -> str:
    """The model card as Markdown."""
    config = manifest["configuration"]
    languages = " and ".join(_LANGUAGES[lang] for lang in manifest["languages"])
    sources = [ref["path"] for use in ("train", "dev", "test") for ref in config["data"][use]]
    synthetic = any(source.startswith("sample:") for source in sources)
    lines = [
        f"# {manifest['name']} {manifest['version']}",
        "",
        config["description"] or "An ensemble that says whether a post reports an adverse effect.",
        "",
        "## What it does",
        "",
        f"Takes {languages} social-media posts (task {manifest['task']}) and says for each whether "
        "it reports an adverse drug effect, with a probability and the members' votes.",
        "",
        "It is meant for screening posts that people then read. It is no medical device, gives no",
        "advice, and its answer about one person's post is not evidence about that person.",
        "",
        "## How it was made",
        "",
        f"- Encoder: `{config['encoder']['uri']}`",
        f"- Members: {len(config['ensemble']['seeds'])} seeds x {config['data']['folds']} fold(s), "
        f"joined by {manifest['rule']['kind']}",
        f"- Trained on: {', '.join(ref['path'] for ref in config['data']['train'])}"
        f" (fingerprint {manifest['training_data'][:12]})",
        f"- Created: {manifest['created']}",
        "",
        "## What was measured",
        "",
    ]
    if synthetic:
        lines += ["**The posts are synthetic: these numbers say nothing about real text.**", ""]
    lines += ["| split | posts | precision | recall | F1 [95 %] |", "|---|---|---|---|---|"]
    names = {"dev": "dev (chosen on)", "oof": "out of fold (chosen on)", "test": "test"}
    for split, score in manifest["scores"].items():
        low, high = score["ci95"]["f1"]
        lines.append(
            f"| {names[split]} | {score['n']} | {score['precision']:.3f} | {score['recall']:.3f} "
            f"| {score['f1']:.3f} [{low:.3f}, {high:.3f}] |"
        )
    lines += [
        "",
        "## Limits",
        "",
        "- Measured on the corpora above alone; other platforms, years and drugs will differ.",
        f"- Posts beyond {config['encoder']['max_length']} word-pieces are cut at their end.",
        "- The share of posts that report an effect moves precision: choose the threshold anew on",
        "  posts of your own before you rely on counts.",
        "",
    ]
    return "\n".join(lines)
