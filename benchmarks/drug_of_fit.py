"""Fit the weights of the rule that ties a mention to a drug: ``python -m benchmarks.drug_of_fit``.

A conditional logit over the places of drugs in a text: what is made likely is that one of the right
places is chosen. Only texts with several drugs teach anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

import numpy as np
import typer
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.command import run_command
from benchmarks.drug_pairs import PairedText, read_own_posts
from smm4h_core.corpora.tsv import format_table
from smm4h_core.extract import drug_of
from smm4h_core.extract.drug_features import FEATURES, find_cues, find_features
from smm4h_core.extract.drug_places import find_places
from smm4h_core.extract.reading import read_text

WEIGHTS = Path(drug_of.__file__).parent / "data" / "drug_weights.tsv"
PENALTY = 1.0
"""Half the squared length of the weights, times this, is added to the loss; of 0.1 to 10, chosen by
ten folds of the posts to fit on."""
Choice: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
"""``(P, F)`` features of the places, and ``(P,)`` which are right."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def fit(out: Annotated[Path, typer.Option(help="The table of weights.")] = WEIGHTS) -> None:
    """Fit on our own posts and write the table."""
    weights = fit_weights(read_choices(read_own_posts("fit")))
    rows = [(name, f"{value:.2f}") for name, value in zip(FEATURES, weights, strict=True)]
    out.write_bytes(format_table(out, ("feature", "weight"), rows))


def read_choices(texts: Sequence[PairedText]) -> list[Choice]:
    """What each effect has to choose from; a place is right where all of its drugs are.

    Where no place is, as in a list that only one of is meant, one with a right drug is.
    """
    choices = []
    for text in texts:
        reading = read_text(text.text)
        every = find_places(text.text, reading, text.drugs)
        met = find_cues(reading, text.lang)
        for span, gold in text.effects:
            places = drug_of.candidates(every, span)
            words = reading.words_of(span.start, span.end)
            if words is None or len(places) < 2:
                continue
            names = [{drug.name for drug in place.drugs} for place in places]
            right = [each <= gold for each in names]
            if not any(right):
                right = [bool(each & gold) for each in names]
            if any(right):
                table = find_features(reading, words, places, met)
                choices.append((np.array(table), np.array(right, dtype=np.float64)))
    return choices


def fit_weights(choices: Sequence[Choice], penalty: float = PENALTY) -> NDArray[np.float64]:
    """``(F,)`` weights that make the right places likely."""

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        total = 0.5 * penalty * float(weights @ weights)
        slope = penalty * weights
        for features, right in choices:
            scores = features @ weights
            shares = np.exp(scores - scores.max())
            shares /= shares.sum()
            of_right = shares * right
            total -= float(np.log(of_right.sum()))
            slope = slope + features.T @ (shares - of_right / of_right.sum())
        return total, slope

    start = np.zeros(choices[0][0].shape[1])
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B").x, dtype=np.float64)


if __name__ == "__main__":
    run_command(app)
