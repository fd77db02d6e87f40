"""A run on a MedDRA release: annotated LLTs, current or not, count as their PT all the way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ray_jobs.run import Outcome, run_training
from smm4h_core.config import RunConfig, config_from_mapping
from smm4h_core.corpora.smm4h import read_annotated, write_annotated
from smm4h_core.link.source import read_terminology
from smm4h_core.link.synthetic import write_synthetic_release
from smm4h_core.link.terminology import Term, Terminology
from smm4h_core.members.data import identify, read_run_posts
from smm4h_core.types import AnnotatedPost, Mention, Post, Span
from tests.unit.linking import build_linking


def annotate(start: int, terms: Sequence[Term]) -> list[AnnotatedPost]:
    """A post an LLT, coded with the LLT's own code."""
    posts = []
    for number, term in enumerate(terms, start):
        mention = Mention(Span(4, 4 + len(term.term)), term.term, concept_id=term.code)
        post = Post(f"p{number}", f"had {term.term} again", "en")
        posts.append(AnnotatedPost(post, True, (mention,)))
    return posts


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a release; LLTs of the same PTs are in every split, withdrawn ones too."""
    root = tmp_path_factory.mktemp("meddra-run")
    write_synthetic_release(root / "meddra")
    terminology = read_terminology(str(root / "meddra"))
    english = [t for t in terminology.terms if t.kind == "llt" and t.lang == "en"]
    withdrawn = [t for t in english if not t.current]
    concepts = sorted({t.concept_id for t in withdrawn})[:3]
    chosen = [t for t in english if t.concept_id in concepts]
    assert any(not t.current for t in chosen)
    for number, split in enumerate(("train", "dev", "test")):
        write_annotated(root / split, annotate(100 * number, chosen), "1c")
    return root


@pytest.fixture(scope="module")
def release(root: Path) -> Terminology:
    return read_terminology(str(root / "meddra"))


@pytest.fixture(scope="module")
def trained(root: Path, tiny_bert: Path) -> tuple[RunConfig, Outcome]:
    config = build_linking(root / "other", tiny_bert)(
        data={"root": str(root)},
        linking={"terminology": {"source": "meddra"}},
        ensemble={"seeds": [0]},
    )
    return config, run_training(config, inline=True)


def test_run_on_meddra_answers_with_the_pt_of_annotated_llts(
    trained: tuple[RunConfig, Outcome], root: Path, release: Terminology, smm4h
) -> None:
    _, outcome = trained
    assert outcome.result["splits"]["test"]["num_unknown"] == 0
    gold = root / "test"
    ended = smm4h("evaluate", outcome.bundle_location, "--task", "1c", "--gold", gold, "--json")
    assert ended.code == 0, ended.err
    given = json.loads(ended.out)["given"]
    assert given["all"]["n"] == given["seen"]["n"] > 3
    # Training annotated the very strings, so the codes alone could make an answer wrong.
    assert given["all"]["acc_1"] == 1.0
    concepts = json.loads((Path(outcome.bundle_location) / "linker/concepts.json").read_text())
    assert {release.concepts[each].level for each in concepts} == {"PT"}


def test_llt_that_went_to_another_pt_makes_another_member(
    trained: tuple[RunConfig, Outcome], root: Path, tmp_path: Path
) -> None:

    config, _ = trained
    posts = read_run_posts(config)
    shutil.copytree(root, tmp_path / "moved")
    table = tmp_path / "moved" / "meddra" / "llt.asc"
    lines = table.read_text(encoding="utf-8").splitlines()
    at, cells = next(
        (n, cells) for n, line in enumerate(lines) if (cells := line.split("$"))[-3] == "N"
    )
    other = next(line.split("$")[2] for line in lines if line.split("$")[2] != cells[2])
    lines[at] = "$".join([*cells[:2], other, *cells[3:]])
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    data = config.data.model_copy(update={"root": str(tmp_path / "moved")})
    moved = config.model_copy(update={"data": data})
    # No term that is proposed has changed; what the withdrawn LLT's annotations mean has.
    assert identify(moved, posts, "similarity") != identify(config, posts, "similarity")


def test_known_concepts_knows_a_concept_by_any_of_its_codes(
    trained: tuple[RunConfig, Outcome], root: Path, tmp_path: Path, release: Terminology
) -> None:
    target = {m.concept_id for p in read_annotated(root / "train", "1c") for m in p.mentions}
    concepts = {release.concept_of_code[code] for code in target if code}
    named = [term for term in release.proposed_terms if term.kind == "preferred"]
    beside = [term for term in named if term.concept_id in concepts]
    beside.append(next(term for term in named if term.concept_id not in concepts))
    coded = [replace(term, code=term.concept_id) for term in beside]
    write_annotated(tmp_path / "beside", annotate(500, coded), "1c")
    settings = trained[0].model_dump(mode="json")
    other = {"path": str(tmp_path / "beside"), "known_concepts": True}
    settings["data"]["train"] = [{"path": "train"}, other]
    posts = read_run_posts(config_from_mapping(settings))
    assert posts.num_left_out == 1
    assert sum(len(each.mentions) for each in posts.pool) == len(target) + len(concepts)
