"""A linking run from members to bundle: trained, stored, resumed, joined, served, refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load

from ray_jobs.run import Outcome, run_training
from smm4h_core.bundle import load_bundle, verify_bundle
from smm4h_core.config import RunConfig
from smm4h_core.corpora.smm4h import write_annotated
from smm4h_core.errors import BundleError, DataError, TrainingError
from smm4h_core.evaluation.served import score_gold_links
from smm4h_core.link.linker import MentionLinker
from smm4h_core.members.comparison import compare_in_blocks, read_answers
from smm4h_core.members.comparison_table import title_of
from smm4h_core.members.data import RunPosts, read_run_posts
from smm4h_core.members.link_predictions import read_link_predictions
from smm4h_core.members.linking import build_similarity_member
from smm4h_core.members.train import (
    RECORD,
    WEIGHTS,
    Member,
    Progress,
    member_storage,
    members_home,
    train_member,
)
from smm4h_core.storage import open_storage
from smm4h_core.training.checkpoint import trained_weights
from tests.unit.linking import build_linking, linked_posts

Make = Callable[..., RunConfig]
CPU = torch.device("cpu")
SIMILARITY, CLASSIFIER = Member(0, 0, "similarity"), Member(0, 0, "classifier")


@pytest.fixture
def make_linking(tmp_path: Path, tiny_bert: Path) -> Make:
    return build_linking(tmp_path, tiny_bert)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path) -> tuple[RunConfig, Outcome]:
    config = build_linking(tmp_path_factory.mktemp("linking"), tiny_bert)()
    return config, run_training(config, inline=True)


def weights_of(config: RunConfig, member: Member) -> bytes:
    with member_storage(members_home(config), member).read(WEIGHTS) as stream:
        return stream.read()


def test_run_trains_both_parts_of_each_seed_and_scores_them(
    trained: tuple[RunConfig, Outcome],
) -> None:
    config, outcome = trained
    assert outcome.num_trained == 4
    test = outcome.result["splits"]["test"]
    # What training said of a string is found again; one of eight has a concept that is nowhere.
    assert test["linking"]["combined"]["all"]["acc_1"] == 0.875
    assert test["linking"]["similarity"]["all"]["acc_1"] == 0.875
    assert test["num_unknown"] == 1
    assert test["linking"]["combined"]["unseen"]["n"] == 1
    assert set(test["members"]) == {"similarity", "classifier"}
    assert outcome.result["rule"]["kind"] == "learned"
    record = member_storage(members_home(config), SIMILARITY).read_json(RECORD)
    assert record["num_terms"] == 14 + 4
    assert record["num_unknown"] == {"dev": 0, "test": 1}


def test_run_leaves_codes_out_that_the_terminology_lacks(make_linking: Make) -> None:
    config = make_linking(linking={"unknown_codes": "leave_out", "classifier": None})
    result = run_training(config, inline=True).result
    test = result["splits"]["test"]
    assert (test["num_unknown"], test["linking"]["combined"]["all"]["n"]) == (1, 7)
    assert test["linking"]["combined"]["all"]["acc_1"] == 1.0
    assert result["splits"]["dev"]["num_unknown"] == 0


def test_run_keeps_its_terms_at_a_byte_a_number(make_linking: Make) -> None:
    config = make_linking(linking={"vectors": "int8", "classifier": None})
    outcome = run_training(config, inline=True)
    part = Path(outcome.bundle_location) / "linker"
    assert (part / "index" / "s0" / "vectors.safetensors").is_file()
    (linker,) = load_bundle(Path(outcome.bundle_location)).linkers.values()
    served = score_gold_links(read_run_posts(config).test, [linker], device=CPU)
    said = outcome.result["splits"]["test"]["linking"]["combined"]
    assert served.all.acc_1 == said["all"]["acc_1"]


def test_bundle_of_adapters_names_the_base_of_both_parts(make_linking: Make) -> None:
    # The classifier's half once sought frozen weights that such a bundle does not hold.
    adapter = {"rank": 2, "alpha": 4, "base": "named"}
    outcome = run_training(make_linking(encoder={"adapter": adapter}), inline=True)
    part = Path(outcome.bundle_location) / "linker"
    assert not list(part.rglob("frozen.safetensors"))
    (linker,) = load_bundle(Path(outcome.bundle_location)).linkers.values()
    similar, sure = (network[0].encoder for network in linker.networks)
    tables = [each.input_embeddings().weight for each in (similar, sure)]
    assert tables[0] is tables[1]


def test_linking_runs_are_compared_by_mention(trained: tuple[RunConfig, Outcome]) -> None:
    config, outcome = trained
    (own,) = read_answers(open_storage(config.storage).child(config.name), "test")
    assert (own.measure, len(own.gold), own.num_members) == ("linked F1", 8, 2)
    assert own.post_ids[0] == "200#1"
    linked = outcome.result["splits"]["test"]["linked"]
    assert own.scores["f1"] == linked["f1"] == 0.875
    assert linked["members"]["num_members"] == 2
    worse = replace(own, name="worse", rows=np.array([[0, 1, 1]] * 8))
    (block,) = compare_in_blocks([own, worse])
    comparison = block.rows[1][1]
    assert comparison is not None
    assert comparison.difference == -0.875
    assert "8 gold mentions (8 with a concept), linked F1" in title_of(block, "test")


def test_bundle_answers_as_its_run_did(trained: tuple[RunConfig, Outcome]) -> None:
    config, outcome = trained
    bundle = load_bundle(Path(outcome.bundle_location))
    assert bundle.manifest["terminology"] == {"linker": "effects@1"}
    (linker,) = bundle.linkers.values()
    assert linker.seen == {"C1", "C2", "C3", "C4"}
    for split in ("dev", "test"):
        posts = getattr(read_run_posts(config), split)
        served = score_gold_links(posts, [linker], device=CPU)
        said = outcome.result["splits"][split]["linking"]["combined"]
        assert (served.all.acc_1, served.all.mrr) == (said["all"]["acc_1"], said["all"]["mrr"])


def test_bundle_names_the_linker_s_file_that_does_not_fit(
    trained: tuple[RunConfig, Outcome], tmp_path: Path
) -> None:
    from smm4h_core.link.part import load_linker

    config, outcome = trained
    part = tmp_path / "linker"
    shutil.copytree(Path(outcome.bundle_location) / "linker", part)
    (part / "concepts.json").write_text('["C1", "C77"]')
    with pytest.raises(BundleError, match="expected a code that it has, got 'C77'"):
        load_linker(config, outcome.result["rule"], part)
    (part / "index" / "s1" / "index.faiss").unlink()
    with pytest.raises(BundleError, match=r"index\.faiss"):
        load_linker(config, outcome.result["rule"], part)
    assert verify_bundle(Path(outcome.bundle_location))


@pytest.mark.parametrize(
    "linking",
    [
        {"similarity": {"num_negatives": 3, "negatives": "uniform"}, "classifier": None},
        {"mentions_as_terms": False, "lexical": True},
        {"lexical_mentions": True},
        {"similarity": {"loss": "info_nce", "num_term_anchors": 6, "term_epochs": 1}},
    ],
    ids=["triplet alone", "terms alone", "mentions spelt", "terms first"],
)
def test_run_of_other_parts_is_served_as_it_was_scored(
    make_linking: Make, linking: dict[str, object]
) -> None:
    config = make_linking(linking=linking, ensemble={"seeds": [0]})
    outcome = run_training(config, inline=True)
    (linker,) = load_bundle(Path(outcome.bundle_location)).linkers.values()
    assert (linker.linker.classifier is None) == (linking.get("classifier", 0) is None)
    if linking.get("lexical_mentions"):
        learnt = {each.text for post in read_run_posts(config).pool for each in post.mentions}
        assert learnt & {each.term for each in linker.linker.lexical.terms}
    served = score_gold_links(read_run_posts(config).dev, [linker], device=CPU)
    said = outcome.result["splits"]["dev"]["linking"]["combined"]
    assert served.all.acc_1 == said["all"]["acc_1"]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_classifier_with_context_and_cosines_is_served_as_it_was_scored(
    make_linking: Make, precision: str
) -> None:
    # The similarity encoder's precision is fp32: that of one part must not become the other's.
    training = {"epochs": 2, "learning_rate": 3e-3, "batch_posts": 8, "precision": precision}
    classifier = {"training": training, "context": True, "cosines": True}
    config = make_linking(
        linking={"classifier": classifier},
        ensemble={"seeds": [0], "rule": "distance"},
        encoder={"max_length": 48},
    )
    outcome = run_training(config, inline=True)
    (part,) = load_bundle(Path(outcome.bundle_location)).linkers.values()
    assert part.linker.lexical is None  # the distance rule reads none
    storage = member_storage(members_home(config), CLASSIFIER)
    stored = read_link_predictions(storage, "classifier")["dev"]
    posts = read_run_posts(config).dev
    proposed = _propose(part.linker, [(p.mentions[0].text, p.post.text) for p in posts])
    for own, served in zip(stored.candidates, proposed, strict=True):
        assert [each.concept_id for each in own] == [each.concept_id for each in served]
        assert [e.score for e in own] == pytest.approx([e.score for e in served], abs=1e-5)


def _propose(linker: MentionLinker, asked: list[tuple[str, str]]):
    mentions, contexts = zip(*asked, strict=True)
    return [each.classifier for each in linker.propose(mentions, contexts, device=CPU)]


@pytest.mark.parametrize("member", [SIMILARITY, CLASSIFIER], ids=lambda m: m.part)
def test_killed_member_ends_with_the_weights_of_an_undisturbed_one(
    make_linking: Make, member: Member
) -> None:
    def die(progress: Progress) -> None:
        if progress.epoch == 1 and progress.step == 1:
            raise KeyboardInterrupt

    cut = make_linking("cut")
    with pytest.raises(KeyboardInterrupt):
        train_member(cut, member, members_home(cut), on_progress=die)
    assert train_member(cut, member, members_home(cut))["resumed"]
    whole = make_linking("whole")
    train_member(whole, member, members_home(whole))
    assert weights_of(cut, member) == weights_of(whole, member)


def test_pretrained_share_mixes_the_encoder_s_own_weights_in(make_linking: Make) -> None:
    plain = make_linking("plain")
    similarity = {**plain.model_dump()["linking"]["similarity"], "pretrained_share": 0.25}
    mixed = make_linking("mixed", linking={"similarity": similarity})
    for config in (plain, mixed):
        train_member(config, SIMILARITY, members_home(config))
    tuned, kept = (load(weights_of(config, SIMILARITY)) for config in (plain, mixed))
    own = trained_weights(
        build_similarity_member(
            plain, read_run_posts(plain), seed=0, fold=0, device=CPU, dtype=torch.float32
        ).network
    )
    assert tuned.keys() == kept.keys() == own.keys()
    assert any(not torch.equal(tuned[name], own[name]) for name in own)
    for name in own:
        torch.testing.assert_close(kept[name], 0.25 * own[name] + 0.75 * tuned[name])
    answers = [
        read_link_predictions(member_storage(members_home(config), SIMILARITY), "similarity")
        for config in (plain, mixed)
    ]
    scores = [[c.score for c in found["dev"].candidates[0]] for found in answers]
    assert scores[0] != scores[1]  # what is stored was said by the mixed weights


def test_changed_terminology_is_another_identity(make_linking: Make) -> None:
    config = make_linking()
    train_member(config, SIMILARITY, members_home(config))
    table = Path(config.data.root) / "terms.tsv"
    table.write_text(table.read_text() + "C5\tdesert in my mouth\n")
    with pytest.raises(TrainingError, match="trained under another configuration"):
        train_member(config, SIMILARITY, members_home(config))


def test_known_concepts_leaves_out_what_the_target_does_not_name(make_linking: Make) -> None:
    config = make_linking()
    root = Path(config.data.root)
    write_annotated(root / "other", linked_posts(4, start=300, unknown=True), "1c")
    beside = {"path": "other", "known_concepts": True}
    config = make_linking(data={"train": [{"path": "train"}, beside]})
    posts = read_run_posts(config)
    assert (len(posts.pool), sum(len(each.mentions) for each in posts.pool)) == (20, 19)
    assert posts.num_left_out == 1


def test_run_refuses_mentions_of_another_terminology(make_linking: Make) -> None:
    config = make_linking()
    (Path(config.data.root) / "terms.tsv").write_text("concept_id\tterm\nX1\tailment\nX2\till\n")
    with pytest.raises(TrainingError, match="of 16 mentions none has one that it proposes"):
        run_training(config, inline=True)


def test_run_refuses_a_terminology_of_one_concept(make_linking: Make) -> None:
    config = make_linking()
    (Path(config.data.root) / "terms.tsv").write_text("concept_id\tterm\nC1\tHeadache\nC1\thead\n")
    with pytest.raises(TrainingError, match="expected terms of two concepts at least"):
        run_training(config, inline=True)


def similarity_member(config: RunConfig, posts: RunPosts):
    return build_similarity_member(config, posts, seed=0, fold=0, device=CPU, dtype=torch.float32)


def test_member_refuses_dev_posts_without_a_concept(make_linking: Make) -> None:
    config = make_linking()
    posts = read_run_posts(config)
    nil = [
        replace(post, mentions=tuple(replace(m, concept_id=None) for m in post.mentions))
        for post in posts.dev
    ]
    with pytest.raises(DataError, match="dev: expected mentions with concepts of effects@1; of 8"):
        similarity_member(config, replace(posts, dev=tuple(nil)))


def test_member_proposes_nothing_for_an_empty_mention_as_its_linker(make_linking: Make) -> None:
    config = make_linking()
    posts = read_run_posts(config)
    first, *others = posts.dev
    blank = replace(first, mentions=tuple(replace(m, text="\u2003 ") for m in first.mentions))
    member = similarity_member(config, replace(posts, dev=(blank, *others)))
    storage = open_storage(config.storage)
    member.write_predictions(storage)
    nothing, *found = read_link_predictions(storage, "similarity")["dev"].candidates
    assert nothing == ()
    assert all(found)


def test_member_that_chose_an_epoch_mines_as_one_that_resumed_there(make_linking: Make) -> None:
    config = make_linking(linking={"mentions_as_terms": False})
    member = similarity_member(config, read_run_posts(config))
    asked: list[str] = []
    encode = member.vectors.encode
    member.vectors.encode = lambda texts: asked.extend(texts) or encode(texts)
    member.choosing_f1()
    said = sorted(set(member.data.choosing.texts))
    assert set(said) <= set(asked)
    asked.clear()
    # A vector depends, in its last digits, on the batch that it was made in.
    member.vectors(said)
    assert asked == said


def test_run_learns_from_the_terminology_alone_where_no_mention_is_annotated(
    make_linking: Make,
) -> None:
    config = make_linking(
        linking={
            "similarity": {"loss": "info_nce", "num_term_anchors": 14, "term_epochs": 2},
            "classifier": None,
        },
        ensemble={"seeds": [0]},
    )
    posts = [replace(each, mentions=()) for each in linked_posts(4)]
    shutil.rmtree(Path(config.data.root) / "train")
    write_annotated(Path(config.data.root) / "train", posts, "1c")
    outcome = run_training(config, inline=True)
    record = member_storage(members_home(config), SIMILARITY).read_json(RECORD)
    assert (record["num_learnt_mentions"], record["num_terms"]) == (0, 14)
    assert record["history"][0]["num_posts"] > 14  # each term, drawn to the others of its concept
    test = outcome.result["splits"]["test"]["linking"]["combined"]
    assert (test["seen"]["n"], test["unseen"]["n"]) == (0, 8)
