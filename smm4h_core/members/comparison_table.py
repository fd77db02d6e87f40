"""A comparison as papers print it: rows of text, CSV of numbers, a picture of F1 with intervals."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smm4h_core.evaluation.significance import Comparison
from smm4h_core.members.comparison import Block, RunAnswers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEADINGS = (
    "run",
    "members",
    "members' F1",
    "P [95 %]",
    "R [95 %]",
    "F1 [95 %]",
    "difference [95 %]",
    "p",
)
SYNTHETIC_NOTE = "* synthetic posts: these numbers say nothing about real text"
_COLUMNS = (
    *(
        "split",
        "measure",
        "posts",
        "positive",
        "baseline",
        "run",
        "description",
        "synthetic",
        "members",
    ),
    *("members_f1_mean", "members_f1_sd"),
    *(
        f"{name}{end}"
        for name in ("precision", "recall", "f1", "difference")
        for end in ("", "_low", "_high")
    ),
    "permutation_p",
)
_INK, _FAINT, _BETTER, _WORSE = "#22262b", "#8a9199", "#1f6f50", "#b3403a"


def title_of(block: Block, split: str) -> str:
    """What a block's runs answered, and what they are held against."""
    gold = block.baseline.gold
    # Rules and thresholds were fitted on these posts: scores, and p, flatter.
    where = split if split == "test" else f"{split} (chosen on)"
    measure = block.baseline.measure
    if measure == "linked F1":
        what = f"{len(gold):,} gold mentions ({int(gold.sum()):,} with a concept), {measure}"
    else:
        spans = "" if block.baseline.rows is None else f", {measure} of spans"
        what = f"{len(gold):,} posts ({int(gold.sum()):,} ADE){spans}"
    return f"{where}: {what}, baseline {block.baseline.name}"


def format_row(run: RunAnswers, comparison: Comparison | None) -> tuple[str, ...]:
    """The cells of `HEADINGS`."""
    scores, members = run.scores, run.scores["members"]
    spread = "" if members["sd"] is None else f" ± {members['sd']:.3f}"
    against = ("", "")
    if comparison is not None:
        low, high = comparison.interval.low, comparison.interval.high
        against = (
            f"{comparison.difference:+.3f} [{low:+.3f}, {high:+.3f}]",
            f"{comparison.permutation_p:.4f}",
        )
    return (
        f"{run.name} *" if run.synthetic else run.name,
        str(run.num_members),
        f"{members['mean']:.3f}{spread}",
        *(_with_interval(scores, name) for name in ("precision", "recall", "f1")),
        *against,
    )


def format_markdown(blocks: Sequence[Block], split: str) -> str:
    """A table a block, each below its title."""
    parts = []
    for block in blocks:
        rules = ("---", *("---:" for _ in HEADINGS[1:]))
        lines = [HEADINGS, rules, *(format_row(*row) for row in block.rows)]
        table = "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
        parts.append(f"{title_of(block, split)}\n\n{table}\n")
    if is_synthetic(blocks):
        parts.append(f"{SYNTHETIC_NOTE}\n")
    return "\n".join(parts)


def format_csv(blocks: Sequence[Block], split: str) -> str:
    """A line a run, numbers unrounded."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_numbers(blocks, split))
    return stream.getvalue()


def draw_comparison(blocks: Sequence[Block], split: str) -> Figure:
    """F1 of every run with its interval, the members' mean beside it, the baselines as lines.

    A run is green, or red, where the interval of its difference to the baseline excludes 0.
    """
    from matplotlib.figure import Figure  # writes its caches when imported

    num_runs = sum(len(block.rows) for block in blocks)
    figure = Figure(figsize=(8.5, 0.9 + 0.42 * num_runs + 0.55 * len(blocks)), layout="constrained")
    rows = figure.subplots(
        len(blocks),
        squeeze=False,
        height_ratios=[len(block.rows) + 1 for block in blocks],
        sharex=True,
    )[:, 0]
    for axes, block in zip(rows, blocks, strict=True):
        axes.set_title(title_of(block, split), loc="left", fontsize=9.5, color=_INK)
        axes.axvline(block.baseline.scores["f1"], color=_FAINT, linewidth=1, linestyle=(0, (4, 3)))
        for place, (run, comparison) in enumerate(block.rows):
            f1, (low, high) = run.scores["f1"], run.scores["ci95"]["f1"]
            colour = _colour(comparison)
            axes.plot([low, high], [place, place], color=colour, linewidth=1.6)
            axes.plot(f1, place, "o", color=colour, markersize=6, label=_once(place, "ensemble"))
            axes.plot(
                run.scores["members"]["mean"],
                place,
                "|",
                color=_FAINT,
                markersize=12,
                label=_once(place, "members' mean"),
            )
            axes.annotate(
                f"{f1:.3f}",
                (f1, place),
                xytext=(0, 6),
                textcoords="offset points",
                ha="center",
                fontsize=8,
                color=colour,
            )
        names = [f"{run.name} *" if run.synthetic else run.name for run, _ in block.rows]
        axes.set_yticks(range(len(names)), names, fontsize=9)
        axes.set_ylim(len(names) - 0.5, -0.7)
        axes.tick_params(axis="y", length=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.grid(axis="x", color="#e6e8eb", linewidth=0.8)
        axes.set_axisbelow(True)
    rows[-1].set_xlabel("F1, 95 % bootstrap interval", fontsize=9)
    rows[0].legend(loc="lower right", fontsize=8, frameon=False, ncols=2, bbox_to_anchor=(1, 1))
    return figure


def save_comparison(blocks: Sequence[Block], split: str, folder: Path) -> str:
    """Write ``comparison.md``, ``.csv`` and ``.png`` into a folder; return the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    markdown = format_markdown(blocks, split)
    (folder / "comparison.md").write_text(markdown, encoding="utf-8")
    (folder / "comparison.csv").write_text(format_csv(blocks, split), encoding="utf-8")
    draw_comparison(blocks, split).savefig(folder / "comparison.png", dpi=160)
    return markdown


def is_synthetic(blocks: Sequence[Block]) -> bool:
    """Whether any run has generated posts."""
    return any(run.synthetic for block in blocks for run, _ in block.rows)


def _with_interval(scores: Any, name: str) -> str:
    low, high = scores["ci95"][name]
    return f"{scores[name]:.3f} [{low:.3f}, {high:.3f}]"


def _once(place: int, label: str) -> str | None:
    return label if place == 0 else None


def _colour(comparison: Comparison | None) -> str:
    if comparison is None or comparison.interval.low <= 0 <= comparison.interval.high:
        return _INK
    return _BETTER if comparison.difference > 0 else _WORSE


def _numbers(blocks: Sequence[Block], split: str) -> Iterator[dict[str, Any]]:
    for block in blocks:
        for run, comparison in block.rows:
            members = run.scores["members"]
            row = {
                "split": split,
                "measure": run.measure,
                "posts": len(run.gold),
                "positive": int(run.gold.sum()),
                "baseline": block.baseline.name,
                "run": run.name,
                "description": run.description,
                "synthetic": run.synthetic,
                "members": run.num_members,
                "members_f1_mean": members["mean"],
                "members_f1_sd": members["sd"],
            }
            for name in ("precision", "recall", "f1"):
                low, high = run.scores["ci95"][name]
                row |= {name: run.scores[name], f"{name}_low": low, f"{name}_high": high}
            if comparison is not None:
                row |= {
                    "difference": comparison.difference,
                    "difference_low": comparison.interval.low,
                    "difference_high": comparison.interval.high,
                    "permutation_p": comparison.permutation_p,
                }
            yield row
