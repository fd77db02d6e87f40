"""Every configuration is valid, its network can be built, and the paper's say what it says."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers.pre_tokenizers import ByteLevel
from transformers import BertConfig, BertModel, RobertaConfig, RobertaModel

from smm4h_core.classify.build import build_classifier
from smm4h_core.classify.molecule_side import MoleculeSide, load_molecule_side
from smm4h_core.classify.predict import predict_logits
from smm4h_core.config import (
    PAPER_SEEDS,
    RunConfig,
    config_from_mapping,
    read_config,
    training_digest,
)
from smm4h_core.encoders.base import LoadedEncoder
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.extract.answers import answer_posts
from smm4h_core.extract.build import build_matcher, build_tagger, load_run_terms
from smm4h_core.extract.part import encode_for_tagger
from smm4h_core.link.build import build_concepts, build_similarity
from smm4h_core.link.classifier import predict_concepts
from smm4h_core.link.similarity import encode_texts
from smm4h_core.pretraining.config import read_molecule_config
from smm4h_core.search.config import read_search
from smm4h_core.types import DrugMention, Post, Span

FOLDER = Path(__file__).parents[2] / "tune_configs"
READERS = {
    "embedded": read_config,
    "paper": read_config,
    "pretrain": read_molecule_config,
    "search": read_search,
    "starter": read_config,
}
"""What reads the configurations of each folder."""
# What `serve deploy` reads is for `test_serve_files`.
EVERY = sorted(
    path.relative_to(FOLDER).as_posix()
    for path in FOLDER.rglob("*.yaml")
    if path.parent.name != "serve"
)
CONFIGS = [name for name in EVERY if READERS[Path(name).parts[0]] is read_config]
PAPER = [name for name in CONFIGS if name.startswith("paper/")]
TAGGERS = [name for name in CONFIGS if read_config(FOLDER / name).extraction is not None]
LINKERS = [name for name in CONFIGS if read_config(FOLDER / name).linking is not None]
CLASSIFIERS = [name for name in CONFIGS if name not in TAGGERS + LINKERS]
CHEMBERTA = "seyonec/ChemBERTa_zinc250k_v2_40k"
HUB = {
    "FacebookAI/roberta-large": "roberta",
    "cimm-kzn/endr-bert": "bert",
    "cimm-kzn/enrudr-bert": "bert",
    CHEMBERTA: "roberta",
}
"""The paper's encoders and their architectures."""
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}

_load = cache(load_text_encoder)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Random encoders of the paper's two architectures, in the files that their kind has."""
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in set(HUB.values())}
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz"]
    (folders["bert"] / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    bert = BertConfig(vocab_size=len(pieces), max_position_embeddings=512, **SIZES)
    BertModel(bert).save_pretrained(folders["bert"])

    letters = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *sorted(ByteLevel.alphabet())]
    ids = {letter: place for place, letter in enumerate(letters)}
    (folders["roberta"] / "vocab.json").write_text(json.dumps(ids), encoding="utf-8")
    (folders["roberta"] / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    # 514 positions, as the published model has: two of them are never used.
    roberta = RobertaConfig(vocab_size=len(letters), max_position_embeddings=514, **SIZES)
    RobertaModel(roberta).save_pretrained(folders["roberta"])
    return folders


def load_encoder(config: RunConfig, tiny: dict[str, Path]) -> LoadedEncoder:
    uri = config.encoder.uri
    if uri in HUB:
        uri = str(tiny[HUB[uri]])
    else:
        assert uri.startswith("package:"), f"{uri}: neither the paper's nor in a package"
    return _load(uri, pooling=config.encoder.pooling)


def load_side(config: RunConfig, tiny: dict[str, Path]) -> MoleculeSide | None:
    if config.molecules is None:
        return None
    uri = config.molecules.uri
    assert uri in HUB or uri.startswith("package:"), f"{uri}: neither the paper's nor in a package"
    molecules = config.molecules
    if uri in HUB:
        molecules = molecules.model_copy(update={"uri": str(tiny[HUB[uri]])})
    return load_molecule_side(molecules, trained=config.network.trains_molecules)


@pytest.mark.parametrize("name", EVERY)
def test_config_is_valid(name: str) -> None:
    assert READERS[Path(name).parts[0]](FOLDER / name)


@pytest.mark.parametrize("name", CONFIGS)
def test_config_is_valid_and_survives_its_own_dump(name: str) -> None:
    config = read_config(FOLDER / name)
    assert config.name == Path(name).stem
    assert config.description
    assert config_from_mapping(config.model_dump(mode="json")) == config


@pytest.mark.parametrize("name", TAGGERS)
def test_config_builds_a_tagger_that_answers(name: str, tiny: dict[str, Path]) -> None:
    config = read_config(FOLDER / name)
    loaded = load_encoder(config, tiny)
    assert config.encoder.max_length <= loaded.encoder.max_length
    terms = build_matcher(load_run_terms(config))
    posts = [Post("1", "no sleep since the new pills", "en"), Post("2", "сплю 🙂", "ru")]
    worded = encode_for_tagger(
        config, posts, loaded.tokeniser, max_length=config.encoder.max_length, terms=terms
    )
    answers = answer_posts(
        build_tagger(config, loaded.encoder),
        worded,
        [each.places() for each in worded],
        pad_id=loaded.tokeniser.pad_id,
        dtype=torch.float32,
        device=torch.device("cpu"),
    )
    logits = [each.logits for each in answers.asked_scores()]
    assert [len(each) for each in logits] == [len(each.pieced) for each in worded]
    assert all(np.isfinite(each).all() for each in logits)


@pytest.mark.parametrize("name", LINKERS)
def test_config_builds_linkers_that_answer(name: str, tiny: dict[str, Path]) -> None:
    config = read_config(FOLDER / name)
    loaded = load_encoder(config, tiny)
    assert config.encoder.max_length <= loaded.encoder.max_length
    texts = ["could not sleep", "сплю 🙂", ""]
    how = {"max_length": config.encoder.max_length, "device": torch.device("cpu")}
    vectors = encode_texts(build_similarity(config, loaded.encoder), loaded.tokeniser, texts, **how)
    assert vectors.shape == (3, loaded.encoder.hidden_size)
    assert np.isfinite(vectors).all()
    if "classifier" not in config.parts:
        return
    network = build_concepts(config, loaded.encoder, num_concepts=4)
    assert predict_concepts(network, loaded.tokeniser, texts, **how).shape == (3, 4)


def test_paper_s_linker_is_as_the_method_has_it() -> None:
    config = read_config(FOLDER / "paper" / "task1c.yaml")
    training, linking = config.training, config.linking
    assert (config.task, config.encoder.uri) == ("1c", "cimm-kzn/endr-bert")
    assert (config.encoder.pooling, config.ensemble.rule) == ("mean", "distance")
    assert (training.learning_rate, training.epochs, training.batch_posts) == (2e-5, 2, 32)
    assert linking is not None
    assert linking.classifier is not None
    near, sure = linking.similarity, linking.classifier.training
    assert (near.loss, near.margin, near.negatives) == ("triplet", 5, "hard")
    assert (near.num_positives, near.num_negatives, near.unit_length) == (15, 30, False)
    assert (sure.learning_rate, sure.batch_posts, sure.warmup_fraction) == (5e-5, 32, 0.1)
    assert config.ensemble.seeds == PAPER_SEEDS


def test_paper_s_tagger_is_as_the_method_has_it() -> None:
    config = read_config(FOLDER / "paper" / "task1b_endrbert.yaml")
    training, extraction = config.training, config.extraction
    assert (config.task, config.encoder.uri) == ("1b", "cimm-kzn/endr-bert")
    assert (config.encoder.max_length, training.batch_posts) == (128, 32)
    assert (training.learning_rate, training.epochs) == (5e-5, 10)
    assert (training.schedule, training.warmup_fraction) == ("warmup_linear", 0.1)
    assert extraction is not None
    assert (extraction.head, extraction.terms) == ("linear", ("packaged",))
    assert training.batch_tokens >= training.batch_posts * config.encoder.max_length
    assert (config.ensemble.seeds, config.ensemble.rule) == (PAPER_SEEDS, "vote")


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_config_builds_a_network_that_answers(name: str, tiny: dict[str, Path]) -> None:
    config = read_config(FOLDER / name)
    loaded = load_encoder(config, tiny)
    assert config.encoder.max_length <= loaded.encoder.max_length
    side = load_side(config, tiny)
    network = build_classifier(config, loaded.encoder, side)
    texts = ["no sleep since the new pills", "сплю"]
    drugs = [[DrugMention(Span(0, 2), "no", "ethanol", "CCO")], []]
    logits = predict_logits(
        network,
        loaded.tokeniser.encode(texts, max_length=config.encoder.max_length),
        molecules=side.read(drugs) if side else None,
        pad_id=loaded.tokeniser.pad_id,
        dtype=torch.float32,
        device=torch.device("cpu"),
    )
    assert logits.shape == (2,)
    assert np.isfinite(logits).all()


def test_embedded_configs_need_no_network() -> None:
    embedded = [name for name in CONFIGS if name.startswith("embedded/")]
    assert len(embedded) >= 3
    for name in embedded:
        assert read_config(FOLDER / name).encoder.uri.startswith("package:"), name


@pytest.mark.parametrize("name", [name for name in PAPER if name in CLASSIFIERS])
def test_paper_configs_share_what_the_paper_keeps_fixed(name: str) -> None:
    config = read_config(FOLDER / name)
    training, ensemble = config.training, config.ensemble
    assert config.encoder.max_length == 128
    assert config.encoder.freeze_embeddings is False
    assert config.network.dropout == 0.3
    if config.molecules is not None:
        molecules = config.molecules
        assert (molecules.uri, molecules.max_length) == (CHEMBERTA, 256)
        assert molecules.absent == "empty"  # "we used the empty string"
    assert (training.epochs, training.optimiser, training.schedule) == (10, "adam", "constant")
    assert (training.weight_decay, training.head_rate_factor, training.layer_rate_decay) == (
        *(0.0, 1.0, 1.0),
    )
    assert (training.select, training.patience) == ("best", None)
    assert config.data.folds == 1
    assert ensemble.seeds == PAPER_SEEDS == (0, 2, 3, 5, 13, 17, 21, 42, 67, 123)
    assert (ensemble.threshold, ensemble.tie) == ("fixed", "positive")
    # The token budget must never cut the paper's batches short.
    assert training.batch_posts is not None
    assert training.batch_tokens >= training.batch_posts * config.encoder.max_length


ROBERTA, ENRUDR = "FacebookAI/roberta-large", "cimm-kzn/enrudr-bert"
TABLE_2 = [
    ("task1a_roberta", ROBERTA, "en", "text", False, "majority"),
    ("task1a_concat", ROBERTA, "en", "concat", False, "majority"),
    ("task1a_concat_oversampled", ROBERTA, "en", "concat", True, "majority"),
    ("task1a_concat_oversampled_sigmoid", ROBERTA, "en", "concat", True, "logistic"),
    ("task2_enrudr", ENRUDR, "ru", "text", False, "majority"),
    ("task2_cross_attention", ENRUDR, "ru", "cross_attention", False, "majority"),
    ("task2_enrudr_ruen", ENRUDR, "ru en", "text", False, "majority"),
    ("task2_ruen_cross_attention", ENRUDR, "ru en", "cross_attention", False, "majority"),
    ("task2_ruen_cross_attention_sigmoid", ENRUDR, "ru en", "cross_attention", False, "logistic"),
]
"""The rows of the paper's Table 2."""


def test_paper_folder_holds_the_rows_of_table_2() -> None:
    classifiers = [name for name in PAPER if name in CLASSIFIERS]
    assert sorted(f"paper/{row[0]}.yaml" for row in TABLE_2) == classifiers


@pytest.mark.parametrize(("name", "uri", "langs", "fusion", "oversample", "rule"), TABLE_2)
def test_paper_config_is_the_paper_s_row(
    name: str, uri: str, langs: str, fusion: str, oversample: bool, rule: str
) -> None:
    config = read_config(FOLDER / "paper" / f"{name}.yaml")
    rate, batch_posts = {ROBERTA: (1e-5, 32), ENRUDR: (3e-5, 64)}[uri]
    assert (config.task, config.encoder.uri) == ("1a" if uri == ROBERTA else "2", uri)
    assert (config.training.learning_rate, config.training.batch_posts) == (rate, batch_posts)
    assert [corpus.lang for corpus in config.data.train] == langs.split()
    assert [corpus.lang for corpus in config.data.dev] == langs.split()[:1]
    assert config.network.fusion == fusion
    assert (config.training.oversample, config.ensemble.rule) == (oversample, rule)


SIGMOID = [name for name in CONFIGS if name.endswith("_sigmoid.yaml")]


@pytest.mark.parametrize("name", SIGMOID)
def test_sigmoid_row_joins_the_very_members_of_its_voting_row(name: str) -> None:
    config = read_config(FOLDER / name)
    assert config.ensemble.members_of is not None
    voting = read_config((FOLDER / name).with_name(f"{config.ensemble.members_of}.yaml"))
    assert training_digest(config) == training_digest(voting)
    assert config.ensemble.seeds == voting.ensemble.seeds


@pytest.mark.parametrize(
    ("name", "baseline"),
    [
        ("psytar_concat", "psytar_text"),
        ("psytar_concat_oversampled", "psytar_text"),
        ("psytar_cross_attention", "psytar_text"),
        ("psytar_gated", "psytar_text"),
        ("ade2_concat", "ade2_text"),
        ("ade2_cross_attention", "ade2_text"),
        ("rudrec_cross_attention", "rudrec_text"),
        ("rudrec_ruen_text", "rudrec_text"),
        ("rudrec_ruen_cross_attention", "rudrec_text"),
    ],
)
def test_embedded_row_differs_from_its_text_row_in_nothing_else(name: str, baseline: str) -> None:
    row, text = (
        read_config(FOLDER / "embedded" / f"{each}.yaml").model_dump() for each in (name, baseline)
    )
    for each in (row, text):
        for key in ("name", "description", "molecules", "network"):
            del each[key]
        each["data"].pop("extra")
        each["training"].pop("oversample")
    fewer = len(row["ensemble"]["seeds"])
    text["ensemble"]["seeds"] = text["ensemble"]["seeds"][:fewer]
    assert row == text
