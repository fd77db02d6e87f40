"""The results table of the three corpora: ``python -m benchmarks.results [--train]``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from benchmarks.command import run_command
from benchmarks.reach import Verdict, judge
from benchmarks.runs import CORPORA, config_path, finished_run
from benchmarks.section import BenchmarkError, Section, print_section, with_interval
from benchmarks.tfidf import Baseline, answer_with_tfidf
from smm4h_core.config import read_config
from smm4h_core.evaluation.significance import Comparison
from smm4h_core.members.comparison import RunAnswers, compare_answers, read_run
from smm4h_core.members.predictions import SplitName

HEADINGS = (
    "corpus",
    "split",
    "posts (ADE)",
    "TF-IDF F1 [95 %]",
    "members' F1",
    "P",
    "R",
    "ensemble F1 [95 %]",
    "difference [95 %]",
    "p",
)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
NOTES = (
    "TF-IDF: word 1-2-grams and character 2-5-grams, logistic regression, on the same posts and "
    "folds; its penalty and threshold are chosen where the ensemble's threshold is. Members: mean "
    "± standard deviation over seeds. Intervals: bootstrap by author, review or article. p: "
    "two-sided permutation test of the difference between the ensemble and TF-IDF.",
    "Out of fold: every post is answered by models that did not see it; thresholds of both sides "
    "are chosen on these same posts, so both scores flatter alike, and the comparison is fair.",
)


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One corpus and split."""

    name: str
    """The run's name."""
    split: SplitName
    """Which posts."""
    tfidf: RunAnswers
    """The baseline's answers."""
    ensemble: RunAnswers
    """The ensemble's answers."""
    against_tfidf: Comparison
    """The ensemble against the baseline, by post."""

    @property
    def gain(self) -> float:
        """The ensemble's F1 less its members' mean."""
        return float(self.ensemble.scores["f1"] - self.ensemble.scores["members"]["mean"])


def measure() -> Section:
    """Score the three runs beside the baseline.

    Raises:
        BenchmarkError: naming every run that is missing, when all are.
    """
    lines: list[Line] = []
    chosen: dict[str, Any] = {}
    missing: list[str] = []
    for name in CORPORA:
        try:
            config, run = finished_run(name)
        except BenchmarkError as error:
            missing.append(str(error))
            continue
        baseline = answer_with_tfidf(config)
        chosen[name] = {"C": baseline.inverse_penalty, "threshold": baseline.threshold}
        splits: tuple[SplitName, ...] = ("test", "oof") if config.data.folds > 1 else ("test",)
        lines += [_line(name, split, baseline, read_run(run, split)) for split in splits]
    if not lines:
        raise BenchmarkError("\n".join(missing))
    return Section(
        title="Results on the three corpora",
        headings=HEADINGS,
        rows=tuple(_cells(line) for line in lines),
        notes=NOTES,
        missing=tuple(missing),
        verdicts=tuple(verdict for line in lines for verdict in _judge(line)),
        data={"tfidf": chosen, "lines": [_describe(line) for line in lines]},
    )


def _line(name: str, split: SplitName, baseline: Baseline, ensemble: RunAnswers) -> Line:
    tfidf = baseline.answers[split]
    return Line(name, split, tfidf, ensemble, compare_answers(tfidf, ensemble))


def _judge(line: Line) -> list[Verdict]:
    if line.name == "rudrec_text":
        if line.split == "test":
            return [judge("rudrec_text.gain", line.gain)]
        against = line.against_tfidf
        return [
            judge("rudrec_text.difference", against.interval.low),
            judge("rudrec_text.p", against.permutation_p),
        ]
    return [
        judge(f"{line.name}.f1", line.ensemble.scores["f1"]),
        judge(f"{line.name}.gain", line.gain),
    ]


def _describe(line: Line) -> dict[str, Any]:
    return {
        "run": line.name,
        "split": line.split,
        "posts": len(line.ensemble.gold),
        "positive": int(line.ensemble.gold.sum()),
        "tfidf": line.tfidf.scores,
        "ensemble": line.ensemble.scores,
        "num_members": line.ensemble.num_members,
        "against_tfidf": asdict(line.against_tfidf),
    }


def _cells(line: Line) -> tuple[str, ...]:
    scores, against = line.ensemble.scores, line.against_tfidf
    members, interval = scores["members"], against.interval
    spread = "" if members["sd"] is None else f" ± {members['sd']:.3f}"
    return (
        CORPORA[line.name],
        "out of fold" if line.split == "oof" else line.split,
        f"{len(line.ensemble.gold):,} ({int(line.ensemble.gold.sum()):,})",
        with_interval(line.tfidf.scores["f1"], line.tfidf.scores["ci95"]["f1"]),
        f"{members['mean']:.3f}{spread}",
        f"{scores['precision']:.3f}",
        f"{scores['recall']:.3f}",
        with_interval(scores["f1"], scores["ci95"]["f1"]),
        f"{against.difference:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]",
        f"{against.permutation_p:.4f}",
    )


@app.command()
def results(
    train: Annotated[
        bool, typer.Option("--train", help="Train what is missing first; a killed one resumes.")
    ] = False,
) -> None:
    """Print the table; exit 1 where a run is missing."""
    if train:
        from ray_jobs.run import run_training

        for name in CORPORA:
            run_training(read_config(config_path(name)))
    section = measure()
    print_section(section)
    if section.missing:
        raise typer.Exit(1)


if __name__ == "__main__":
    run_command(app)
