"""Does the faster loop cost quality? A member trained by `Trainer`, against the stored one."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch

from benchmarks.hf_trainer import train_with_trainer
from benchmarks.reach import distance_from, judge
from benchmarks.runs import finished_run
from benchmarks.section import Section, with_interval
from smm4h_core.classify.predict import predict_logits
from smm4h_core.classify.probability import Prob, prob_from_logit
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.encoders.precision import choose_device
from smm4h_core.evaluation.classification import count_labels, score_labels
from smm4h_core.evaluation.counts import Score
from smm4h_core.evaluation.intervals import Interval, bootstrap_intervals
from smm4h_core.evaluation.significance import Comparison, compare_runs
from smm4h_core.evaluation.thresholds import choose_threshold
from smm4h_core.members.classification import EncodedPosts, build_classification
from smm4h_core.members.data import read_run_posts
from smm4h_core.members.predictions import Predictions, read_predictions
from smm4h_core.members.train import Member, member_storage

RUN = "psytar_text"


@dataclass(frozen=True, slots=True)
class Trained:
    """How one member scores on test, cut where dev says."""

    score: Score
    """On test posts."""
    interval: Interval
    """Of its F1."""


def measure() -> Section:
    """Train one seed under `Trainer` for the run's epochs and set it beside the stored member.

    Raises:
        BenchmarkError: the run is missing, or the package that `Trainer` needs.
    """
    config, run = finished_run(RUN)
    member = Member(config.ensemble.seeds[0])
    stored = read_predictions(member_storage(run, member))

    device = choose_device()
    torch.manual_seed(member.seed)
    setup = build_classification(
        config,
        read_run_posts(config),
        seed=member.seed,
        fold=member.fold,
        device=device,
        dtype=torch.float32,
    )
    setup.network.requires_grad_(True)
    assert setup.test is not None
    rate = train_with_trainer(
        setup.network,
        setup.train,
        tokeniser=load_text_encoder(config.encoder.uri).tokeniser,
        padding="longest",
        max_length=config.encoder.max_length,
        training=config.training,
        epochs=config.training.epochs,
        seed=member.seed,
        device=device,
    )

    def probs(encoded: EncodedPosts) -> Prob:
        return prob_from_logit(
            predict_logits(
                setup.network,
                encoded.encodings,
                pad_id=setup.pad_id,
                dtype=torch.float32,
                device=device,
            )
        )

    ours_dev, ours_test = (prob_from_logit(stored[s].logits) for s in ("dev", "test"))
    theirs, ours, against = compare_members(
        stored["dev"],
        stored["test"],
        (probs(setup.choosing), probs(setup.test)),
        (ours_dev, ours_test),
    )
    return Section(
        title=f"Training quality: seed {member.seed} on PsyTAR, test posts",
        headings=("loop", "P", "R", "F1 [95 %]"),
        rows=(_cells("Trainer, dynamic padding, fp32", theirs), _cells("ours, as stored", ours)),
        notes=(
            f"Both cut where their own dev posts say; {config.training.epochs} epochs each, "
            "`Trainer` keeps the last and ours the best on dev. Difference "
            f"{against.difference:+.3f} [{against.interval.low:+.3f}, "
            f"{against.interval.high:+.3f}], p {against.permutation_p:.4f}.",
        ),
        verdicts=(
            judge(
                "training.f1",
                distance_from(ours.score.f1, theirs.interval.low, theirs.interval.high),
            ),
        ),
        data={
            "trainer": asdict(theirs),
            "ours": asdict(ours),
            "against_trainer": asdict(against),
            "trainer_posts_per_s": rate,
        },
    )


def compare_members(
    dev: Predictions, test: Predictions, theirs: tuple[Prob, Prob], ours: tuple[Prob, Prob]
) -> tuple[Trained, Trained, Comparison]:
    """Cut each side's test probs where its dev probs say, and compare the labels by post."""
    their_labels, our_labels = (
        test_prob >= choose_threshold(dev.gold, dev_prob).value
        for dev_prob, test_prob in (theirs, ours)
    )
    rows = [count_labels(test.gold, labels) for labels in (their_labels, our_labels)]
    trained = [
        Trained(
            score_labels(test.gold, labels),
            bootstrap_intervals(count, groups=test.groups).f1,
        )
        for labels, count in zip((their_labels, our_labels), rows, strict=True)
    ]
    return trained[0], trained[1], compare_runs(rows[0], rows[1], groups=test.groups)


def _cells(name: str, trained: Trained) -> tuple[str, ...]:
    score, interval = trained.score, trained.interval
    return (
        name,
        f"{score.precision:.3f}",
        f"{score.recall:.3f}",
        with_interval(score.f1, (interval.low, interval.high)),
    )
