"""A linker takes another release: it answers as one built of that release, and encodes the new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from ray_jobs.run import Outcome, run_training
from smm4h_core.config import RunConfig
from smm4h_core.errors import DataError
from smm4h_core.link.gold import read_gold, terms_to_find
from smm4h_core.link.index import build_term_index, load_term_index, save_term_index
from smm4h_core.link.linker import nearest_concepts
from smm4h_core.link.part import LinkerPart, load_linker
from smm4h_core.link.similarity import Vectors, encode_texts
from smm4h_core.link.terminology import Term, Terminology, build_terminology
from smm4h_core.link.update import change_terms, update_terminology
from smm4h_core.members.data import read_run_posts
from smm4h_core.storage import open_storage
from tests.unit.linking import SAID, build_linking

CPU = torch.device("cpu")


def letters(texts: Sequence[str]) -> Vectors:
    """Counts of letters: a vector that needs no network."""
    return np.array([[t.count(each) for each in "aeinostr"] for t in texts], dtype=np.float32)


def of(*pairs: tuple[str, str]) -> list[Term]:
    return [Term(concept_id, term, "synonym", "en") for concept_id, term in pairs]


OLD = of(("A", "pain"), ("A", "ache"), ("A", "ache"), ("B", "rash"), ("C", "itch"), ("C", "sore"))
NEW = of(("A", "pain"), ("A", "ache"), ("B", "sore"), ("D", "tired"), ("D", "no rest"))


@pytest.mark.parametrize("kind", ["flat", "ivf"])
def test_changed_index_answers_as_one_built_anew(kind) -> None:
    asked: list[str] = []

    def encode(texts: Sequence[str]) -> Vectors:
        asked.extend(texts)
        return letters(texts)

    index = build_term_index(OLD, letters([t.term for t in OLD]), kind=kind)
    change = change_terms(index, NEW, encode)
    # "sore" went to another concept, and keeps its vector; one of two equal terms went.
    assert asked == ["tired", "no rest"]
    assert (change.num_added, change.num_removed, change.num_encoded) == (3, 4, 2)
    anew = build_term_index(NEW, letters([t.term for t in NEW]), kind=kind)
    queries = letters(["rest", "aches", "sores", "tiredness", "x"])
    assert index.link(queries) == anew.link(queries)
    assert len(index) == len(NEW)


def test_change_of_terms_is_refused_where_it_cannot_be(tmp_path: Path) -> None:
    index = build_term_index(OLD, letters([t.term for t in OLD]))
    with pytest.raises(DataError, match="index: expected terms, got none"):
        change_terms(index, [], letters)
    save_term_index(index, open_storage(str(tmp_path)))
    with pytest.raises(DataError, match="mapped from its file"):
        change_terms(load_term_index(tmp_path), NEW, letters)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path) -> tuple[RunConfig, Outcome]:
    config = build_linking(tmp_path_factory.mktemp("update"), tiny_bert)()
    return config, run_training(config, inline=True)


@pytest.fixture
def part(trained: tuple[RunConfig, Outcome]) -> LinkerPart:
    config, outcome = trained
    return load_linker(config, outcome.result["rule"], folder_of(outcome))


def folder_of(outcome: Outcome) -> Path:
    return Path(outcome.bundle_location) / "linker"


def next_release(old: Terminology) -> Terminology:
    """A term more, one less; C1 is now a term of C7, C4 withdrawn, and C6 new."""
    terms = [
        replace(each, current=each.concept_id != "C4")
        for each in old.terms
        if each.concept_id != "C1" and each.term != "queasy"
    ]
    terms += [Term("C7", "Pain", "preferred", "en"), Term("C7", "Headache", "llt", "en", code="C1")]
    terms += [Term("C6", "Fever", "preferred", "en"), Term("C6", "awake all night", "lay", "en")]
    terms.append(Term("C2", "about to vomit", "lay", "en"))
    return build_terminology("effects", "2", terms)


def test_updated_linker_answers_as_one_built_of_the_release(
    trained: tuple[RunConfig, Outcome], part: LinkerPart, tmp_path: Path
) -> None:
    config, outcome = trained
    release = next_release(part.linker.terminology)
    folder = tmp_path / "linker"
    change = update_terminology(part, release, source=folder_of(outcome), target=folder, device=CPU)
    # "awake all night" is what people say of C3, as training's mentions have it.
    assert change.num_encoded == 3  # Pain, Fever, about to vomit
    updated = load_linker(config, outcome.result["rule"], folder)
    assert updated.linker.terminology.label == "effects@2"
    assert updated.seen == {"C2", "C3", "C4", "C7"}

    anchors = read_gold(read_run_posts(config).pool, release).anchors(release)
    terms = terms_to_find(release, anchors)
    queries = [*SAID.values(), "pain", "fever", "vomit", "queasy", "put on weight", "zzz"]
    for member in updated.linker.similarity:
        encode = partial(
            encode_texts, member.network, updated.linker.tokeniser, max_length=32, device=CPU
        )
        anew = build_term_index(terms, encode([each.term for each in terms]))
        own, wanted = (nearest_concepts(i, encode, queries) for i in (member.index, anew))
        assert own == wanted
    proposed = updated.linker.propose(queries, device=CPU)
    concepts = {c.concept_id for p in proposed for c in (*p.similarity, *p.classifier, *p.lexical)}
    assert concepts == {"C2", "C3", "C5", "C6", "C7"}
    links = updated.linker.link(queries, device=CPU)
    assert [each.concept_id for each in links[:3]] == ["C7", "C2", "C3"]
    assert part.linker.link(queries[:1], device=CPU)[0].concept_id == "C1"


def test_update_refuses_another_terminology_and_lost_concepts(
    trained: tuple[RunConfig, Outcome], part: LinkerPart, tmp_path: Path
) -> None:
    old = part.linker.terminology
    other = build_terminology("ailments", "2", old.terms)
    lost = build_terminology("effects", "2", [t for t in old.terms if t.concept_id != "C2"])
    for terminology, said in (
        (other, "expected another version of effects@1, got ailments@2"),
        (lost, "effects@2: expected a code that it has, got 'C2'"),
    ):
        with pytest.raises(DataError, match=said):
            update_terminology(
                part,
                terminology,
                source=folder_of(trained[1]),
                target=tmp_path / "linker",
                device=CPU,
            )
    assert not (tmp_path / "linker").exists()
