import pytest

from benchmarks import ensemble_search


def test_measure_times_every_ensemble_and_judges_the_median(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ensemble_search, "NUM_POSTS", 300)
    monkeypatch.setattr(ensemble_search, "NUM_ROUNDS", 2)
    section = ensemble_search.measure()
    assert section.rows[0][0] == "33 × 10 × 300"
    assert section.data["ensembles"] == 33
    assert 0 < section.data["wall_s"]["low"] <= section.data["wall_s"]["high"]
    assert section.verdicts[0].measured == section.data["wall_s"]["median"]


def test_draw_answers_are_of_members_that_know_something_and_differ() -> None:
    answers = ensemble_search.draw_answers(2000, 3)
    means = answers.probs[answers.gold].mean() - answers.probs[~answers.gold].mean()
    assert means > 0.2
    assert (answers.probs[:, 0] != answers.probs[:, 1]).all()
