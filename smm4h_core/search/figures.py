"""The three figures of a search. Agg draws them: no window, no state outside the figure.

matplotlib is imported where something is drawn: it writes a cache of fonts when it is imported.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from smm4h_core.classify.probability import BoolArray, Prob
from smm4h_core.evaluation.classification import pr_curve
from smm4h_core.search.importance import Dimension, Importance, score_range

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT, FAILED, BEST = "#22262b", "#c9ced4", "#b3403a", "#d9480f"
NOT_DRAWN = -0.12
"""Height of a value that was not drawn, below all others."""
MARGIN = 0.07
"""Room above and below a choice's values, where trials of one value lie side by side."""
_CURVE_POINTS = 40


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Probs whose F1 is drawn against the threshold."""

    label: str
    """What it is, in the legend."""
    gold: BoolArray
    """``(N,)`` labels."""
    prob: Prob
    """``(N,)`` probs."""


def draw_parallel(
    title: str,
    dimensions: Sequence[Dimension],
    scores: Sequence[float | None],
    states: Sequence[str],
    *,
    best: int,
    score_name: str,
) -> Figure:
    """A line a trial over one axis a dimension, its score on the last axis and as its colour.

    Stopped trials are thin, failed ones dashed without a score, the best is outlined.
    """
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

    dimensions = [dimension for dimension in dimensions if dimension.varies]
    known = np.array([np.nan if score is None else score for score in scores])
    low, high = score_range(known)
    heights = [_spread(dimension) for dimension in dimensions]
    heights.append(np.where(np.isnan(known), NOT_DRAWN, (known - low) / (high - low)))
    # A score far below the others would press them together: it ends at the foot of the axis.
    heights[-1] = np.where(np.isnan(known), NOT_DRAWN, np.clip(heights[-1], 0, 1))
    paths = np.stack(heights, axis=1)

    figure = Figure(figsize=(max(7.5, 2.0 * paths.shape[1] + 1.6), 5.2), layout="constrained")
    axes = figure.subplots()
    order = np.argsort(np.nan_to_num(known, nan=-1.0))
    for place in order.tolist():
        failed = np.isnan(known[place])
        _draw_path(
            axes,
            paths[place],
            colour=FAILED
            if failed
            else _colour((np.clip(known[place], low, high) - low) / (high - low)),
            width=1.0 if failed else 1.1 if states[place] == "stopped" else 2.2,
            style=(0, (4, 3)) if failed else "-",
            opacity=0.85 if failed else 0.55 if states[place] == "stopped" else 0.95,
            outlined=place == best,
        )
    for place, dimension in enumerate(dimensions):
        _label_dimension(axes, place, dimension)
    last = len(dimensions)
    for value in np.linspace(low, high, 5):
        _tick(axes, last, (value - low) / (high - low), f"{value:.3f}", side="right")
    if np.isnan(known).any():
        _tick(axes, last, NOT_DRAWN, "failed", side="right")
    names = [dimension.name for dimension in dimensions] + [score_name]
    for place, name in enumerate(names):
        axes.plot([place, place], [0, 1], color=INK, linewidth=1.2, zorder=4)
        axes.annotate(
            name.replace(".", ".\n", 1),
            (place, 1.03),
            ha="center",
            va="bottom",
            fontsize=10,
            fontweight="bold" if place == last else "normal",
            color=INK,
        )
    axes.set_xlim(-0.35, last + 0.45)
    axes.set_ylim(NOT_DRAWN - 0.06, 1.16)
    axes.axis("off")
    axes.set_title(title, loc="left", fontsize=12.5, fontweight="bold", color=INK, pad=14)
    mappable = ScalarMappable(Normalize(low, high), colormaps["viridis"])
    bar = figure.colorbar(mappable, ax=axes, fraction=0.025, pad=0.01)
    bar.set_label(score_name, color=INK)
    _add_legend(axes, states)
    return figure


def draw_importance(
    title: str, importances: Sequence[Importance], fit: float, num_trials: int
) -> Figure:
    """A bar a dimension, with the spread over repeats."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 1.7 + 0.42 * len(importances)), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(importances))[::-1]
    axes.barh(
        places,
        [each.mean for each in importances],
        xerr=[each.sd for each in importances],
        height=0.62,
        color=_colour(0.42),
        error_kw={"ecolor": INK, "elinewidth": 1.2, "capsize": 3},
    )
    axes.set_yticks(places, [each.name for each in importances])
    axes.axvline(0, color=INK, linewidth=1)
    axes.set_xlabel(
        "loss of R² when its values are shuffled (mean ± sd)\n"
        f"random forest over {num_trials} scores, out-of-bag R² {fit:.2f}"
        + (": it explains nothing" if fit <= 0 else "")
    )
    axes.set_title(title, loc="left", fontsize=12.5, fontweight="bold", color=INK)
    _clean(axes, grid="x")
    return figure


def draw_thresholds(
    title: str,
    best: Curve,
    others: Sequence[Curve],
    *,
    others_label: str,
    chosen: float,
    note: str,
) -> Figure:
    """F1, precision and recall of the best against the threshold; F1 of others faintly."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 4.8), layout="constrained")
    axes = figure.subplots()
    for number, other in enumerate(others):
        curve = pr_curve(other.gold, other.prob)
        _draw_steps(
            axes, curve.threshold, curve.f1, FAINT, 1.2, others_label if number == 0 else None
        )
    curve = pr_curve(best.gold, best.prob)
    _draw_steps(axes, curve.threshold, curve.precision, _colour(0.72), 1.5, "precision")
    _draw_steps(axes, curve.threshold, curve.recall, _colour(0.28), 1.5, "recall")
    _draw_steps(axes, curve.threshold, curve.f1, BEST, 2.6, f"F1 of {best.label}")
    axes.axvline(0.5, color=INK, linewidth=1, linestyle=":", label="0.5")
    at = float(curve.f1[np.flatnonzero(curve.threshold >= chosen)[-1]])
    axes.axvline(chosen, color=BEST, linewidth=1, linestyle="--")
    axes.plot([chosen], [at], "o", color=BEST, markersize=7, zorder=5)
    axes.annotate(
        f"F1 {at:.3f} at {chosen:.3f}",
        (chosen, at),
        xytext=(9, 9),
        textcoords="offset points",
        color=BEST,
        fontweight="bold",
        bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.5},
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel(f"threshold on prob\n{note}")
    axes.set_ylabel("score of the positive class")
    axes.set_title(title, loc="left", fontsize=12.5, fontweight="bold", color=INK)
    figure.legend(loc="outside lower center", ncols=5, frameon=False, fontsize=9)
    _clean(axes, grid="both")
    return figure


def _colour(share: float) -> tuple[float, float, float, float]:
    from matplotlib import colormaps

    return colormaps["viridis"](share)


def _spread(dimension: Dimension) -> NDArray[np.float64]:
    """Heights of values; those of a choice lie side by side around its tick."""
    heights = dimension.positions()
    if dimension.scale == "choice":
        room = MARGIN / max(1, len(dimension.choices) - 1)
        heights = MARGIN + (1 - 2 * MARGIN) * heights
        for height in np.unique(heights[~np.isnan(heights)]):
            here = np.flatnonzero(heights == height)
            heights[here] += np.linspace(-room, room, len(here)) if len(here) > 1 else 0.0
    missing = np.flatnonzero(np.isnan(heights))
    heights[missing] = NOT_DRAWN
    return heights


def _draw_path(
    axes: Axes,
    heights: NDArray[np.float64],
    *,
    colour: object,
    width: float,
    style: object,
    opacity: float,
    outlined: bool,
) -> None:
    """A smooth line through one height an axis: it leaves and meets each axis level."""
    from matplotlib.collections import LineCollection

    share = np.linspace(0, 1, _CURVE_POINTS)
    ease = share * share * (3 - 2 * share)
    xs = np.concatenate([place + share for place in range(len(heights) - 1)])
    ys = np.concatenate(
        [left + (right - left) * ease for left, right in itertools.pairwise(heights)]
    )
    points = [np.column_stack([xs, ys])]
    if outlined:
        axes.add_collection(LineCollection(points, colors=BEST, linewidths=width + 3.4, zorder=2.9))
    axes.add_collection(
        LineCollection(
            points,
            colors=[colour],
            linewidths=width,
            linestyles=[style],
            alpha=1.0 if outlined else opacity,
            zorder=3 if outlined else 2,
        )
    )


def _label_dimension(axes: Axes, place: int, dimension: Dimension) -> None:
    if dimension.scale == "choice":
        last = max(1, len(dimension.choices) - 1)
        for number, choice in enumerate(dimension.choices):
            _tick(axes, place, MARGIN + (1 - 2 * MARGIN) * number / last, _word(choice))
    else:
        numbers = [float(value) for value in dimension.values if value is not None]
        for value in _round_values(min(numbers), max(numbers), dimension.scale):
            _tick(axes, place, float(dimension.height_of(value)), f"{value:.3g}")
    if any(value is None for value in dimension.values):
        _tick(axes, place, NOT_DRAWN, "not drawn")


def _round_values(low: float, high: float, scale: str) -> list[float]:
    """A few round numbers between two; by ratio 1, 2 and 5 of each power of ten."""
    from matplotlib.ticker import LogLocator, MaxNLocator

    locator = LogLocator(subs=(1.0, 2.0, 5.0)) if scale == "log" else MaxNLocator(5)
    values = [float(value) for value in locator.tick_values(low, high)]
    return [value for value in values if low <= value <= high]


def _tick(axes: Axes, place: int, height: float, label: str, *, side: str = "left") -> None:
    sign = -1 if side == "left" else 1
    axes.plot([place, place + sign * 0.025], [height, height], color=INK, linewidth=1, zorder=4)
    axes.annotate(
        label,
        (place + sign * 0.045, height),
        ha="right" if side == "left" else "left",
        va="center",
        fontsize=8.5,
        color=INK,
        bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.8},
        zorder=5,
    )


def _word(choice: object) -> str:
    if isinstance(choice, bool):
        return "yes" if choice else "no"
    text = str(choice)
    return text if len(text) <= 22 else f"…{text[-21:]}"


def _add_legend(axes: Axes, states: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    middle = _colour(0.5)
    samples = {
        "finished": Line2D([], [], color=middle, linewidth=2.2, label="finished"),
        "stopped": Line2D([], [], color=middle, linewidth=1.1, alpha=0.55, label="stopped early"),
        "failed": Line2D([], [], color=FAILED, linewidth=1, linestyle=(0, (4, 3)), label="failed"),
    }
    counted = [sample for state, sample in samples.items() if state in states]
    for state, sample in samples.items():
        sample.set_label(f"{sample.get_label()} ({sum(each == state for each in states)})")
    outline = Line2D([], [], color=BEST, linewidth=4, label="best")
    axes.legend(
        handles=[*counted, outline],
        loc="upper center",
        bbox_to_anchor=(0.5, 0.02),
        ncols=4,
        frameon=False,
        fontsize=9,
    )


def _draw_steps(
    axes: Axes,
    threshold: Prob,
    height: NDArray[np.float64],
    colour: object,
    width: float,
    label: str | None,
) -> None:
    """Heights at falling cuts, each holding down to the next lower prob."""
    axes.step(
        np.append(threshold, 0.0),
        np.append(height, height[-1]),
        where="post",
        color=colour,
        linewidth=width,
        label=label,
    )


def _clean(axes: Axes, *, grid: Literal["both", "x"]) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis=grid, color="#e6e8eb", linewidth=0.8)
    axes.set_axisbelow(True)
