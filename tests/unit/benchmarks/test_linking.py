from pathlib import Path

import numpy as np
import pytest

from benchmarks import linking_baselines
from benchmarks.linking_baselines import BASELINES, compare_baselines
from benchmarks.linking_index import measure_approximate, measure_index
from smm4h_core.encoders.base import LoadedEncoder
from smm4h_core.encoders.load import load_text_encoder
from smm4h_core.link.gold import read_gold
from smm4h_core.link.terminology import Term, Terminology, build_terminology
from smm4h_core.types import AnnotatedPost, Mention, Post, Span


def mentions(*pairs: tuple[str, str]) -> list[AnnotatedPost]:
    return [
        AnnotatedPost(
            Post(str(n), text, "en"), True, (Mention(Span(0, len(text)), text, concept_id=concept),)
        )
        for n, (text, concept) in enumerate(pairs)
    ]


TRAIN = mentions(("noggin pain", "C1"), ("barfing", "C2"))
TEST = mentions(("headache", "C1"), ("Noggin pain", "C1"), ("purple toes", "C9"), ("hedache", "C1"))


@pytest.fixture(scope="module")
def loaded(tiny_bert: Path) -> LoadedEncoder:
    return load_text_encoder(str(tiny_bert), pooling="mean")


@pytest.fixture
def terminology() -> Terminology:
    rows = [("C1", "Headache"), ("C2", "Vomiting"), ("C3", "Insomnia")]
    return build_terminology("tiny", "1", [Term(c, t, "preferred", "en") for c, t in rows])


def test_compare_baselines_links_with_and_without_training_mentions(
    terminology: Terminology, loaded: LoadedEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linking_baselines, "find_spec", lambda _name: None)
    train, test = (read_gold(posts, terminology) for posts in (TRAIN, TEST))
    section = compare_baselines(terminology, train, test, loaded, title="tiny")

    assert len(section.rows) == 2 * (len(BASELINES) - 1)
    plain, fed = (
        section.data[f"exact match{suffix}"] for suffix in ("", ", training mentions as terms")
    )
    assert (plain["all"]["acc_1"], fed["all"]["acc_1"]) == (0.25, 0.5)
    assert section.data["TF-IDF of letters"]["all"]["acc_1"] >= 0.5
    assert section.data["exact match"]["unseen"]["n"] == 1
    assert "1 have a concept that tiny@1 lacks" in section.notes[0]
    assert section.missing == (
        "rapidfuzz: expected the package rapidfuzz, not installed: pip install rapidfuzz",
    )


def test_measure_index_counts_what_it_built(tmp_path: Path, loaded: LoadedEncoder) -> None:
    table = tmp_path / "terms.tsv"
    lines = [f"C{n}\tterm number {n}" for n in range(50)]
    table.write_text("concept_id\tterm\n" + "\n".join(lines) + "\n", encoding="utf-8")

    section, vectors = measure_index(table, loaded)

    assert vectors.shape == (50, 32)
    assert section.data["terms"] == 50
    assert all(value > 0 for name, value in section.data.items() if "taken" not in name)


def test_measure_approximate_compares_with_flat_search() -> None:
    vectors = np.random.default_rng(0).normal(size=(100, 16)).astype(np.float32)
    section = measure_approximate(vectors, number=4000)
    assert section.data["recall@10 of flat"] > 0.9
    assert section.data["probes, chosen by measuring"] <= section.data["clusters"]
