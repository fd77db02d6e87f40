"""What the packaged molecule encoder learnt: hidden tokens restored, and what its vectors know.

Beside it stand the same network untrained and Morgan fingerprints. Descriptors are judged on drugs
whose scaffolds neither the pretraining nor the probe has seen, areas of use by folds that keep a
scaffold together. Intervals are bootstrapped over drugs (95 %, percentile).
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem.rdMolDescriptors import (
    CalcCrippenDescriptors,
    CalcExactMolWt,
    CalcNumAromaticRings,
    CalcTPSA,
)
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from transformers import RobertaForMaskedLM
from transformers.utils import logging

from benchmarks.reach import judge
from benchmarks.section import Section, with_interval
from smm4h_core.drugs.curation import data_folder, read_curation
from smm4h_core.drugs.lexicon import load_lexicon
from smm4h_core.drugs.molecules import encode_molecules
from smm4h_core.encoders.identity import encoder_folder
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.pretraining.batches import Alphabet, MaskedBatch, examination
from smm4h_core.pretraining.config import MoleculeRunConfig, read_molecule_config
from smm4h_core.pretraining.evaluate import commonest_token, count_restored, unigram_accuracy
from smm4h_core.pretraining.molecules import Molecules, read_molecules, scaffold_of
from smm4h_core.pretraining.network import MoleculePretrainer, build_pretrainer, save_encoder
from smm4h_core.pretraining.tokeniser import SPECIAL, build_smiles_tokeniser

PACKAGED = "package:smm4h_core/encoders/smiles"
FINGERPRINTS = "morgan:2048"
NUM_FITTED = 2000
"""Drugs that a descriptor's probe is fitted on."""
NUM_RESAMPLES, SEED, FOLDS = 1000, 0, 5

DESCRIPTORS: Mapping[str, Callable[[Any], float]] = {
    "logP": lambda molecule: CalcCrippenDescriptors(molecule)[0],
    "TPSA": CalcTPSA,
    "aromatic rings": CalcNumAromaticRings,
    "weight": CalcExactMolWt,
}
"""RDKit's own, by name."""
PENALTIES = tuple(10.0**power for power in range(-1, 6))
"""Ridge's; the best by leave-one-out on the drugs that the probe is fitted on is taken."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """A number, and what it comes to on the same resamples of drugs for every encoder."""

    value: float
    """On all drugs."""
    draws: Floats
    """``(NUM_RESAMPLES,)``."""

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % percentile interval."""
        low, high = np.quantile(self.draws, (0.025, 0.975))
        return float(low), float(high)

    def less(self, other: Estimate) -> Estimate:
        """The difference, paired by resample."""
        return Estimate(self.value - other.value, self.draws - other.draws)


def measure() -> Section:
    """Measure the packaged encoder, its untrained twin and fingerprints."""
    with as_file(files("tune_configs") / "pretrain" / "molecules.yaml") as path:
        config = read_molecule_config(path)
    held_out = config.data.held_out
    molecules = read_molecules(wheel=None, max_drugs=None, held_out=held_out)
    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(SEED)
        _save_untrained(config, Path(folder))
        uris = {"packaged": PACKAGED, "untrained": folder, FINGERPRINTS: FINGERPRINTS}
        exam = _examination(molecules, config)
        restored = {
            name: count_restored(_language_model(uri), exam, device=torch.device("cpu"))
            for name, uri in uris.items()
            if uri != FINGERPRINTS
        }
        found = {name: _probe(uri, molecules) for name, uri in uris.items()}
    for name, counts in restored.items():
        found[name]["restored"] = share_with_interval(counts)
    columns = ("restored", *DESCRIPTORS, "area")
    learnt, blank = found["packaged"], found["untrained"]
    found["gain over untrained"] = {c: learnt[c].less(blank[c]) for c in columns}
    rows = [
        (
            name,
            *("" if c not in of else with_interval(of[c].value, of[c].interval) for c in columns),
        )
        for name, of in found.items()
    ]
    unigram = _commonest_share(molecules, exam)
    gains = {name: learnt[name].less(blank[name]).value for name in (*DESCRIPTORS, "area")}
    num_asked = int(restored["packaged"][:, 1].sum())
    return Section(
        title="Molecule encoder: hidden tokens restored, linear probes (R², share of areas right)",
        headings=("vectors", *columns),
        rows=tuple(rows),
        data={
            "found": {
                name: {c: [e.value, *e.interval] for c, e in of.items()}
                for name, of in found.items()
            },
            "unigram": unigram,
            "num_asked": num_asked,
            "num_held_out": len(molecules.held_out),
        },
        notes=(
            f"Of {num_asked} hidden tokens of {len(molecules.held_out)} held-out drugs, always "
            f"guessing the commonest restores {unigram:.3f}.",
            "Pretraining also predicts Morgan fingerprints, so probes of substructures are not "
            "foreign to it; none of the descriptors was a target.",
        ),
        verdicts=(
            judge("molecules.restored", found["gain over untrained"]["restored"].value),
            judge("molecules.gain", min(gains.values())),
        ),
    )


def _save_untrained(config: MoleculeRunConfig, folder: Path) -> None:
    files_of_tokeniser = build_smiles_tokeniser(max_length=config.network.max_length)
    network = build_pretrainer(
        num_tokens=len(files_of_tokeniser), fingerprint_bits=0, **config.network.model_dump()
    )
    save_encoder(network, files_of_tokeniser, folder)


def _examination(molecules: Molecules, config: MoleculeRunConfig) -> list[MaskedBatch]:
    loaded = load_text_encoder(PACKAGED)
    num_tokens = loaded.encoder.input_embeddings().num_embeddings
    return examination(
        molecules.held_out,
        loaded.tokeniser,
        Alphabet(SPECIAL.index("<mask>"), len(SPECIAL), num_tokens),
        max_length=config.network.max_length,
        batch_tokens=config.training.batch_tokens,
        share=config.objective.masked_share,
        seed=config.seed,
    )


def _language_model(uri: str) -> MoleculePretrainer:
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    model = RobertaForMaskedLM.from_pretrained(encoder_folder(uri), dtype=torch.float32)
    return MoleculePretrainer(model, fingerprint_bits=0).eval()


def _commonest_share(molecules: Molecules, exam: Sequence[MaskedBatch]) -> float:
    tokeniser = load_text_encoder(PACKAGED).tokeniser
    return unigram_accuracy(exam, commonest=commonest_token(molecules.drugs, tokeniser))


def _probe(uri: str, molecules: Molecules) -> dict[str, Estimate]:
    """R² of each descriptor and the share of areas that are right, each with its interval."""
    fitted = random.Random(SEED).sample(molecules.drugs, min(NUM_FITTED, len(molecules.drugs)))
    areas = areas_of_drugs()
    vectors = encode_molecules([*fitted, *molecules.held_out, *areas], uri=uri).vectors
    learn, judged = (_rows(vectors, part) for part in (fitted, molecules.held_out))
    found: dict[str, Estimate] = {}
    for name, descriptor in DESCRIPTORS.items():
        with rdBase.BlockLogs():
            wanted, gold = (
                np.array([descriptor(Chem.MolFromSmiles(smiles)) for smiles in part])
                for part in (fitted, molecules.held_out)
            )
        probe = make_pipeline(StandardScaler(), RidgeCV(PENALTIES)).fit(learn, wanted)
        found[name] = r2_with_interval(gold, probe.predict(judged))
    labels = np.array(list(areas.values()))
    answers = cross_val_predict(
        make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000)),
        _rows(vectors, list(areas)),
        labels,
        groups=[scaffold_of(smiles) for smiles in areas],
        cv=GroupKFold(FOLDS),
    )
    right = np.stack([answers == labels, np.ones(len(labels))], axis=1)
    found["area"] = share_with_interval(right)
    return found


def areas_of_drugs() -> dict[str, str]:
    """Curated drugs' molecules, each with the table that it stands in: an area of use."""
    drugs = load_lexicon().drugs
    with as_file(data_folder() / "curated") as folder:
        curated = read_curation(folder)
    areas = {}
    for each in curated:
        smiles = drugs[each.name].smiles if each.name in drugs else None
        if smiles:
            areas[smiles] = Path(each.place.rpartition(":")[0]).stem
    return areas


def r2_with_interval(gold: Floats, pred: Floats) -> Estimate:
    """Share of the variance of ``gold`` ``(N,)`` that ``pred`` ``(N,)`` explains."""

    def r2(chosen: NDArray[np.int64]) -> float:
        of, by = gold[chosen], pred[chosen]
        return float(1 - ((of - by) ** 2).sum() / ((of - of.mean()) ** 2).sum())

    return _bootstrapped(r2, len(gold))


def share_with_interval(counts: Floats) -> Estimate:
    """Share that is right: by drug ``(N, 2)``, how many are and of how many."""

    def share(chosen: NDArray[np.int64]) -> float:
        right, asked = counts[chosen].sum(0)
        return float(right / asked)

    return _bootstrapped(share, len(counts))


def _bootstrapped(statistic: Callable[[NDArray[np.int64]], float], num_drugs: int) -> Estimate:
    rng = np.random.default_rng(SEED)
    draws = [statistic(rng.integers(0, num_drugs, num_drugs)) for _ in range(NUM_RESAMPLES)]
    return Estimate(statistic(np.arange(num_drugs)), np.array(draws))


def _rows(vectors: Mapping[str, NDArray[np.float32]], smiles: Sequence[str]) -> Floats:
    return np.stack([vectors[each] for each in smiles]).astype(np.float64)
