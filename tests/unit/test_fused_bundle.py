"""Networks that read molecules: what was trained is what is bundled, and what is served."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from smm4h_core.bundle import load_bundle
from smm4h_core.classify.molecule_side import load_molecule_side
from smm4h_core.classify.network import Classifier
from smm4h_core.classify.predict import predict_logits
from smm4h_core.config import RunConfig, config_from_mapping
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.errors import BundleError, EncoderError
from smm4h_core.pipeline import Pipeline, load_pipeline
from smm4h_core.training.checkpoint import load_trained_weights
from smm4h_core.types import Post

CPU = torch.device("cpu")
POSTS = [
    Post("1", "seroquel made me sleep for days"),
    Post("2", "prozac and zoloft, no effects at all"),
    Post("3", "my head hurts"),
    Post("4", "took zzyzxol, feeling fine"),
]


@pytest.fixture(scope="module")
def pipeline(fused_bundle: Path) -> Pipeline:
    return load_pipeline(fused_bundle, device=CPU)


def config_of(bundle: Path) -> RunConfig:
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    return config_from_mapping(manifest["parts"]["classifier"]["configuration"])


def test_loaded_networks_give_the_logits_of_the_trained(
    fused_bundle: Path, pipeline: Pipeline
) -> None:
    """The network is built as a member is, from the encoders' own names."""
    from smm4h_core.classify.build import build_classifier

    config = config_of(fused_bundle)
    text = load_text_encoder(config.encoder.uri)
    side = load_molecule_side(config.molecules, trained=config.network.trains_molecules)
    trained: Classifier = build_classifier(config, text.encoder, side).eval()
    load_trained_weights(trained, load_file(fused_bundle / "classifier/members/s2-f0.safetensors"))

    encodings = text.tokeniser.encode([post.text for post in POSTS], max_length=48)
    drugs = [pipeline.bundle.finder.find(post.text, lang="en") for post in POSTS]
    options = {"pad_id": text.tokeniser.pad_id, "dtype": torch.float32, "device": CPU}
    expected = predict_logits(trained, encodings, molecules=side.read(drugs), **options)
    served = pipeline.bundle.classifiers["en"].molecules.read(drugs)
    found = predict_logits(
        pipeline.bundle.classifiers["en"].networks[1][0], encodings, molecules=served, **options
    )
    assert found == pytest.approx(expected, abs=1e-5)


def test_pipeline_of_one_equals_pipeline_of_many(pipeline: Pipeline) -> None:
    together = pipeline.process(POSTS)
    for post, report in zip(POSTS, together, strict=True):
        (alone,) = pipeline.process([post])
        assert alone.ade.prob == pytest.approx(report.ade.prob, abs=1e-6)
        assert alone.drugs == report.drugs


def test_pipeline_reports_drugs_with_their_places(pipeline: Pipeline) -> None:
    reports = pipeline.process(POSTS)
    named = [[(drug.text, drug.name) for drug in report.drugs] for report in reports]
    assert named == [
        [("seroquel", "quetiapine")],
        [("prozac", "fluoxetine"), ("zoloft", "sertraline")],
        [],
        [("zzyzxol", "zzyzxol")],
    ]
    for post, report in zip(POSTS, reports, strict=True):
        for drug in report.drugs:
            assert post.text[drug.span.start : drug.span.end] == drug.text
            assert drug.smiles


def test_pipeline_hears_which_drug_it_is(pipeline: Pipeline) -> None:
    """The same text but for a drug's name of as many letters, all unknown to the text encoder."""
    encodings = pipeline.bundle.classifiers["en"].tokeniser.encode(["it hurts"] * 2, max_length=48)
    drugs = [pipeline.bundle.finder.find(name) for name in ("seroquel", "aspirin")]
    probs = pipeline.bundle.classifiers["en"].member_probs(
        encodings, pipeline.bundle.classifiers["en"].molecules.read(drugs), device=CPU
    )
    assert (np.abs(probs[0] - probs[1]) > 1e-6).all()


def test_bundle_needs_neither_the_user_s_table_nor_the_encoders(
    fused_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = Path(shutil.copytree(fused_bundle, tmp_path / "elsewhere"))
    monkeypatch.setattr("smm4h_core.encoders.load.load_text_encoder", None)
    monkeypatch.setattr("smm4h_core.classify.molecule_side.load_text_encoder", None)
    (report,) = load_pipeline(moved, device=CPU).process([POSTS[3]])
    assert [drug.smiles for drug in report.drugs] == ["CCCCCO"]


def test_load_bundle_names_a_molecule_encoder_that_does_not_fit(
    fused_bundle: Path, tmp_path: Path
) -> None:
    bundle = Path(shutil.copytree(fused_bundle, tmp_path / "bundle"))
    (bundle / "classifier/molecules/config.json").unlink()
    with pytest.raises(BundleError, match=r"classifier/molecules/config\.json: missing"):
        load_bundle(bundle)


def test_open_molecule_side_names_weights_that_are_missing(tmp_path: Path, tiny_bert: Path) -> None:
    from smm4h_core.classify.molecule_side import open_molecule_side, save_molecule_side
    from smm4h_core.config import MoleculesConfig

    save_molecule_side(str(tiny_bert), trained=True, folder=tmp_path / "m")
    config = MoleculesConfig(uri=str(tiny_bert), max_length=40)
    with pytest.raises(EncoderError, match=r"frozen\.safetensors"):
        open_molecule_side(config, trained=False, folder=tmp_path / "m")
