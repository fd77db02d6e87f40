from __future__ import annotations

import json
from pathlib import Path

import pytest

from smm4h_core.config import config_from_mapping, read_config, training_digest
from smm4h_core.errors import ConfigError

MINIMAL = {
    "name": "run",
    "task": "1a",
    "data": {"train": [{"path": "a"}], "dev": [{"path": "b"}]},
    "encoder": {"uri": "./folder"},
    "training": {"epochs": 1, "learning_rate": 1e-5},
}


def changed(**sections: object) -> dict[str, object]:
    return {**MINIMAL, **sections}


def test_config_inherits_what_it_does_not_say(tmp_path: Path) -> None:
    (tmp_path / "under.yaml").write_text(json.dumps(changed(network={"dropout": 0.5})))
    (tmp_path / "middle.yaml").write_text(
        "{inherits: under.yaml, name: mid, training: {epochs: 3}, data: {dev: [{path: d}]}}"
    )
    (tmp_path / "over.yaml").write_text("{inherits: middle.yaml, name: over, network: {}}")
    config = read_config(tmp_path / "over.yaml", ["training.epochs=7"])
    assert (config.name, config.training.epochs, config.network.dropout) == ("over", 7, 0.5)
    assert config.training.learning_rate == 1e-5
    assert [[ref.path for ref in refs] for refs in (config.data.train, config.data.dev)] == [
        ["a"],
        ["d"],  # lists are replaced as a whole
    ]
    assert config.model_dump().keys() == read_config(tmp_path / "under.yaml").model_dump().keys()


@pytest.mark.parametrize(
    ("inherits", "says"),
    [
        ("own.yaml", "own.yaml: inherits itself, by way of other.yaml"),
        ("nowhere.yaml", "nowhere.yaml: no such configuration file"),
        ("../other.yaml", "inherits: expected a file of its folder, got '../other.yaml'"),
        ("[other.yaml]", "inherits: expected a file of its folder"),
    ],
)
def test_config_refuses_to_inherit_what_is_not_there(
    tmp_path: Path, inherits: str, says: str
) -> None:
    (tmp_path / "other.yaml").write_text(f"inherits: {inherits}\n")
    (tmp_path / "own.yaml").write_text("inherits: other.yaml\n")
    with pytest.raises(ConfigError, match=says):
        read_config(tmp_path / "own.yaml")


def test_config_is_frozen() -> None:
    config = config_from_mapping(MINIMAL)
    with pytest.raises(ValueError, match="frozen"):
        config.training.epochs = 2  # type: ignore[misc]


TAGGING = {**MINIMAL, "task": "1b", "extraction": {}, "ensemble": {"rule": "vote"}}


@pytest.mark.parametrize(
    ("sections", "says"),
    [
        ({"extraction": None}, "task 1b needs the section extraction"),
        ({"task": "1a"}, "task 1a has no use for the section extraction"),
        ({"ensemble": {}}, "ensemble.rule of task 1b is one of vote, mean, got 'majority'"),
        (
            {"network": {"fusion": "gated"}, "molecules": {"uri": "./m"}},
            "task 1b reads no molecules: leave network.fusion out",
        ),
        ({"encoder": {"uri": "x", "pooling": "mean"}}, "leave encoder.pooling out"),
        ({"extraction": {"terms": ["packaged", "packaged"]}}, "terms must differ"),
        ({"extraction": {"head": "lstm"}}, "extraction.head: .*got 'lstm'"),
        ({"extraction": {"stride": -1}}, "extraction.stride: .*got -1"),
    ],
)
def test_config_refuses_what_tagging_does_not_read(sections: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        config_from_mapping({**TAGGING, **sections})


@pytest.mark.parametrize(
    ("sections", "says"),
    [
        (
            {"ensemble": {"rule": "vote"}},
            "rule of task 1a is one of majority, .*, got 'vote'",
        ),
        (
            {"data": {**MINIMAL["data"], "train": [{"path": "a", "weight": 0.5}]}},
            "task 1a reads no weight of a corpus",
        ),
        (
            {"data": {**MINIMAL["data"], "dev": [{"path": "a", "types": {"WD": "ADE"}}]}},
            "task 1a reads no types of spans",
        ),
    ],
)
def test_config_refuses_what_classification_does_not_read(
    sections: dict[str, object], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        config_from_mapping({**MINIMAL, **sections})


SIMILARITY = {"loss": "info_nce", "num_negatives": 0}
LINKING = {
    **MINIMAL,
    "task": "1c",
    "linking": {"terminology": {"source": "terms.tsv"}},
    "training": {**MINIMAL["training"], "epochs": 2, "batch_posts": 32},
    "ensemble": {"rule": "learned", "threshold": "chosen"},
}
CONCEPTS = {"training": {"epochs": 1, "learning_rate": 1e-5}}


def linking(**keys: object) -> dict[str, object]:
    return {"linking": {**LINKING["linking"], **keys}}


@pytest.mark.parametrize(
    ("sections", "says"),
    [
        ({"linking": None}, "task 1c needs the section linking"),
        ({"task": "1b", "extraction": {}}, "task 1b has no use for the section linking"),
        ({"ensemble": {"rule": "mean"}}, "rule of task 1c is one of distance, learned, got 'mean'"),
        ({"ensemble": {"rule": "learned"}}, "threshold of task 1c is chosen"),
        (
            {"ensemble": {"rule": "distance", "threshold": "chosen"}, **linking(lexical=False)},
            "linking.lexical and its mentions are of ensemble.rule learned",
        ),
        ({"ensemble": {**LINKING["ensemble"], "tie": "negative"}}, "task 1c has no votes to tie"),
        ({"network": {"dropout": 0.5}}, "task 1c has its own networks"),
        ({"text": {"emoji": "keep"}}, "task 1c reads mentions as they are quoted"),
        ({"training": {**LINKING["training"], "checkpoint_steps": 5}}, "between epochs alone"),
        ({"training": MINIMAL["training"]}, "give batch_posts, leave batch_tokens out"),
        ({"training": {**LINKING["training"], "oversample": True}}, "no positives to oversample"),
        (
            {
                "data": {"train": [{"path": "a"}], "folds": 3},
                "training": {**LINKING["training"], "select": "last"},
            },
            "task 1c is chosen on dev splits",
        ),
        (linking(similarity={"margin": 1, "loss": "info_nce"}), "margin is not of the loss"),
        (linking(similarity={"temperature": 0.1}), "temperature is not of the loss 'triplet'"),
        (linking(similarity={"num_negatives": 0}), "triplet loss needs num_negatives of 1 or more"),
        (linking(similarity={**SIMILARITY, "negatives": "uniform"}), "negatives needs num_neg"),
        (linking(similarity={"pretrained_share": 1.0}), "less than 1"),
        (
            {
                **linking(similarity={"pretrained_share": 0.5}),
                "encoder": {**MINIMAL["encoder"], "adapter": {"rank": 2}},
            },
            "an adapter keeps every weight",
        ),
        (linking(similarity={"term_epochs": 1}), "term_epochs needs num_term_anchors"),
        (
            linking(similarity={"term_epochs": 3, "num_term_anchors": 5}),
            "term_epochs has more than training.epochs",
        ),
        (
            {"data": {**MINIMAL["data"], "train": [{"path": "a", "known_concepts": True}]}},
            "known_concepts needs a training split that is without it",
        ),
        (
            {"data": {**MINIMAL["data"], "train": [{"path": "a", "weight": 0.5}]}},
            "task 1c reads no weight",
        ),
    ],
)
def test_config_refuses_what_linking_does_not_read(sections: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        config_from_mapping({**LINKING, **sections})


def test_training_digest_of_each_part_of_a_linker_tells_its_own_keys() -> None:
    def digests(**keys: object) -> list[str]:
        config = config_from_mapping({**LINKING, **linking(**{"classifier": CONCEPTS, **keys})})
        assert config.parts == ("similarity", "classifier")
        return [training_digest(config, part) for part in config.parts]

    near, sure = digests()
    assert near != sure
    assert digests(similarity=SIMILARITY)[0] != near
    assert digests(similarity=SIMILARITY)[1] == sure
    assert digests(classifier={**CONCEPTS, "context": True})[0] == near
    assert digests(classifier={**CONCEPTS, "context": True})[1] != sure
    assert digests(lexical=False) == [near, sure]
    assert digests(lexical_mentions=True) == [near, sure]
    assert digests(similarity={"pretrained_share": 0.0}) == [near, sure]
    mixed = digests(similarity={"pretrained_share": 0.5})
    assert mixed[0] != near and mixed[1] == sure


def test_training_digest_of_a_tagger_tells_what_its_weights_depend_on() -> None:
    digest = training_digest(config_from_mapping(TAGGING))
    kept = {"extraction": {"coordination": True}, "ensemble": {"rule": "mean"}}
    assert training_digest(config_from_mapping({**TAGGING, **kept})) == digest
    train = [{"path": "a", "weight": 0.5}]
    for other in (
        {"extraction": {"head": "crf"}},
        {"extraction": {"terms": []}},
        {"extraction": {"stride": 8}},
        {"data": {**MINIMAL["data"], "train": train}},
        {"data": {**MINIMAL["data"], "train": [{"path": "a", "types": {"WD": "ADE"}}]}},
        {"data": {**MINIMAL["data"], "train": [{"path": "a", "types": {"WD": None}}]}},
    ):
        assert training_digest(config_from_mapping({**TAGGING, **other})) != digest


def test_training_digest_knows_the_members_of_before() -> None:
    """Keys that came later are left out where they are unset: members trained then stay valid."""
    assert training_digest(config_from_mapping(MINIMAL)) == "33c53826a57f"


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (changed(colour="red"), "colour: no such key, got 'red'"),
        (changed(training={"epochs": 1}), "training.learning_rate: Field required"),
        (changed(training={"epochs": 0, "learning_rate": 1.0}), "training.epochs: .*got 0"),
        (changed(task="3"), "task: .*got '3'"),
        (changed(name="Über"), "name: .*got 'Über'"),
        (changed(data={"train": [{"path": "a"}]}), "data: .*give `dev` splits"),
        (
            changed(data={"train": [{"path": "a", "types": {"WD": "DRUG"}}]}),
            r"data.train.0.types.WD: Input should be 'ADE', got 'DRUG'",
        ),
        (changed(ensemble={"seeds": [1, 1]}), "ensemble: .*seeds must differ"),
        (changed(ensemble={"seeds": [1], "min_members": 2}), "min_members is 2, but there are 1"),
        (
            changed(training={"epochs": 1, "learning_rate": 1.0, "weight_decay": 0.1}),
            "weight_decay needs optimiser: adamw",
        ),
        (
            changed(training={"epochs": 1, "learning_rate": 1.0, "warmup_fraction": 0.2}),
            "warmup_fraction needs schedule: warmup_linear",
        ),
        (changed(training={"epochs": True, "learning_rate": 1.0}), "training.epochs: .*got True"),
        (
            changed(training={"epochs": 1, "learning_rate": float("inf")}),
            "learning_rate: .*got inf",
        ),
        (changed(encoder={"uri": "x", "max_length": 2}), "encoder.max_length: .*got 2"),
        (changed(data={"train": [{"path": "a"}], "folds": 2}), "needs training.select: last"),
        (changed(resources={"gpus_per_member": 1.5}), "resources: .*must be whole, got 1.5"),
        (changed(network={"fusion": "concat"}), "'concat' needs a molecules section"),
        (changed(molecules={"uri": "./m"}), "'text' reads no molecules: leave the section out"),
        (
            changed(network={"fusion": "gated"}, molecules={"uri": "./m", "pooling": "all"}),
            "molecules.pooling with network.fusion 'gated' is one of mean, max, first, got 'all'",
        ),
        (
            changed(
                network={"fusion": "cross_attention"}, molecules={"uri": "./m", "pooling": "max"}
            ),
            "'cross_attention' is one of first, all, got 'max'",
        ),
        (
            changed(network={"fusion": "cross_attention"}, molecules={"uri": "morgan:64"}),
            "trains a molecule encoder, got 'morgan:64'",
        ),
        (
            changed(
                data={"train": [{"path": "a"}], "dev": [{"path": "b"}], "extra": [{"path": "c"}]}
            ),
            "fold_seed and extra need folds greater than 1",
        ),
    ],
)
def test_config_refuses_with_the_key_path(raw: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        config_from_mapping(raw)


def test_read_config_applies_overrides_as_yaml(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(
        "name: run\ntask: '1a'\ndata: {train: [{path: a}], dev: [{path: b}]}\n"
        "encoder: {uri: ./f}\ntraining: {epochs: 1, learning_rate: 1.0e-5}\n"
    )
    config = read_config(path, ["training.epochs=3", "ensemble.seeds=[4, 5]", "storage=/s"])
    assert config.training.epochs == 3
    assert config.ensemble.seeds == (4, 5)
    assert config.storage == "/s"


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("training.epochs", "expected key.path=value"),
        ("name.first=x", "'name' is no section"),
        ("training.epoch=3", "training.epoch: no such key"),
        ("training.epochs=[", "value is not YAML"),
    ],
)
def test_read_config_refuses_bad_overrides(tmp_path: Path, override: str, says: str) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(
        "name: run\ntask: '1a'\ndata: {train: [{path: a}], dev: [{path: b}]}\n"
        "encoder: {uri: ./f}\ntraining: {epochs: 1, learning_rate: 1.0e-5}\n"
    )
    with pytest.raises(ConfigError, match=says):
        read_config(path, [override])


def test_read_config_names_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: no such configuration file"):
        read_config(tmp_path / "none.yaml")


def test_training_digest_follows_weights_not_placement() -> None:
    config = config_from_mapping(MINIMAL)
    moved = config_from_mapping(
        changed(storage="elsewhere", resources={"cpus_per_member": 2}, ensemble={"rule": "mean"})
    )
    faster = config_from_mapping(changed(training={"epochs": 1, "learning_rate": 2e-5}))
    assert training_digest(moved) == training_digest(config)
    assert training_digest(faster) != training_digest(config)
