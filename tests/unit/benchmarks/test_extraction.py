from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from benchmarks import extraction, runs
from benchmarks.extraction import differing_keys, measure, measure_corpus
from benchmarks.extraction_baselines import Answers, CorpusPosts, answer_with_seen_mentions
from benchmarks.section import BenchmarkError
from smm4h_core.config import RunConfig
from smm4h_core.errors import Smm4hError
from smm4h_core.members.data import read_run_posts
from smm4h_core.members.join import join_members
from smm4h_core.members.train import members_home, members_of, train_member
from tests.unit.tagging import build_tagging

NAME = "psytar_extract"
LEARNT = {"epochs": 6, "learning_rate": 1e-2, "checkpoint_steps": None}
Make = Callable[..., RunConfig]


def finish(config: RunConfig) -> None:
    home = members_home(config)
    for member in members_of(config):
        train_member(config, member, home)
    home.write_json("config.json", config.model_dump(mode="json"))
    join_members(config, read_run_posts(config), home, home, config.ensemble.seeds)


@pytest.fixture(scope="module")
def make_run(tmp_path_factory: pytest.TempPathFactory, word_bert: Path) -> Make:
    """Runs on one tiny corpus, of which the first is finished and has a variant."""
    make = build_tagging(tmp_path_factory.mktemp("extraction"), word_bert)
    finish(make(NAME, training=LEARNT))
    finish(make(f"{NAME}_no_terms", training=LEARNT, extraction={"terms": []}))
    return make


@pytest.fixture
def tiny(make_run: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunConfig:
    config = make_run(NAME, training=LEARNT)
    text = yaml.safe_dump(config.model_dump(mode="json"))
    (tmp_path / f"{NAME}.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(runs, "CONFIGS", tmp_path)
    monkeypatch.setattr(extraction, "CORPORA", {NAME: "Tiny"})
    monkeypatch.setattr(extraction, "BASELINES", {"seen": answer_with_seen_mentions})
    return config


def test_extraction_sets_finished_runs_beside_the_baselines(tiny: RunConfig) -> None:
    section = measure()
    assert section.missing == ()
    assert [row[1] for row in section.rows] == [
        "seen",
        *("ours: 2 members", "ours: ensemble"),
        *("ours, extraction.terms=[]: 2 members", "ours, extraction.terms=[]: ensemble"),
    ]
    assert {len(row) for row in section.rows} == {len(section.headings)}
    result = members_home(tiny).read_json("result.json")["splits"]["test"]["one_to_one"]
    _, members, ensemble, *_ = section.rows
    for column, match in ((4, "strict"), (7, "relaxed")):
        own = result[match]["members"]
        assert members[column] == f"{own['mean']:.3f} ± {own['sd']:.3f}"
        low, high = result[match]["ci95"]["f1"]
        assert ensemble[column] == f"{result[match]['f1']:.3f} [{low:.3f}, {high:.3f}]"
    ours = section.data[NAME]["contenders"]["ours"]["one_to_one"]
    assert ours["strict"]["f1"] == pytest.approx(result["strict"]["f1"])
    against = section.data[NAME]["against_best_baseline"]["ours"]["strict"]
    assert against["contender_f1"] - against["baseline_f1"] == pytest.approx(against["difference"])
    assert [each.name for each in section.verdicts] == [
        f"{NAME}.{what}" for what in ("strict", "relaxed", "above")
    ]
    assert any("extraction.terms=[] less ours: strict" in note for note in section.notes)


@pytest.mark.usefixtures("tiny")
def test_extraction_names_what_is_missing_and_claims_no_gain_over_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(_posts: object) -> None:
        raise Smm4hError("not installed")

    both = {"seen": answer_with_seen_mentions, "absent": absent}
    monkeypatch.setattr(extraction, "BASELINES", both)
    section = measure()
    assert section.missing == ("absent: not installed",)
    assert [each.name for each in section.verdicts] == [f"{NAME}.strict", f"{NAME}.relaxed"]


def test_extraction_refuses_answers_on_other_spans(tiny: RunConfig) -> None:
    spans = Path(tiny.data.root) / "test" / "spans.tsv"
    kept = spans.read_text(encoding="utf-8")
    try:
        spans.write_text("".join(kept.splitlines(keepends=True)[:-1]), encoding="utf-8")
        measured = measure_corpus(NAME)
    finally:
        spans.write_text(kept, encoding="utf-8")
    assert measured.ensembles == []
    assert len(measured.missing) == 2
    assert all("test posts are others" in line for line in measured.missing)


def test_differing_keys_tell_set_ups_apart(make_run: Make) -> None:
    ours = make_run(NAME)
    other = make_run("other", extraction={"head": "crf"}, ensemble={"seeds": [3]})
    assert differing_keys(ours, other) == ["ensemble.seeds=[3]", "extraction.head=crf"]
    with pytest.raises(BenchmarkError, match=r"other: expected answers on \['test'\], got none"):
        differing_keys(ours, make_run("other", data={"test": []}))


def test_folds_are_answered_by_who_has_not_learnt_from_them(
    make_run: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folds = {"data": {"folds": 2}, "training": {**LEARNT, "select": "last"}}
    config = make_run("rudrec_extract", **folds)
    finish(config)
    text = yaml.safe_dump(config.model_dump(mode="json"))
    (tmp_path / "rudrec_extract.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(runs, "CONFIGS", tmp_path)
    monkeypatch.setattr(extraction, "CORPORA", {"rudrec_extract": "Tiny"})
    learnt: list[set[str]] = []

    def seen(posts: CorpusPosts) -> Answers:
        taken = {each.post.post_id for each in (*posts.train, *posts.dev)}
        assert taken.isdisjoint(each.post.post_id for each in posts.test)
        learnt.append(taken)
        return answer_with_seen_mentions(posts)

    monkeypatch.setattr(extraction, "BASELINES", {"seen": seen})
    section = measure()
    assert section.missing == ()
    told = [(row[0], row[1]) for row in section.rows if row[0].endswith("out of fold")]
    assert told == [
        ("Tiny, out of fold", who) for who in ("seen", "ours: 2 members", "ours: ensemble")
    ]
    test, *by_fold = learnt
    assert len(by_fold) == 2
    assert all(taken < test for taken in by_fold)
    assert by_fold[0] | by_fold[1] == test
