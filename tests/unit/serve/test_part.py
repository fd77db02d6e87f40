"""One kind of parts by itself: warm before it is ready, healthy, changed while it answers."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from serve.part import STUCK_S, PartServer
from smm4h_core.bundle import read_manifest
from smm4h_core.bundle_build import update_bundle
from smm4h_core.errors import BundleError
from smm4h_core.link.source import read_terminology
from smm4h_core.types import Post
from tests.serving import compose, renamed, serve_over, start
from tests.unit.linking import CONCEPTS

CPU = torch.device("cpu")


def test_a_part_has_answered_long_and_short_posts_before_it_is_ready(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from smm4h_core import stages

    answered: list[Any] = []
    decide = stages.decide

    def noting(parts: Any, posts: Any, drugs: Any, *, device: torch.device) -> Any:
        answered.extend(post.text for post in posts)
        return decide(parts, posts, drugs, device=device)

    monkeypatch.setattr(stages, "decide", noting)
    part = PartServer("classifier", tiny_bundle)
    assert answered == []  # the constructor loads nothing: `reconfigure` says which bundle
    asyncio.run(part.reconfigure({}))
    assert len(answered) == 2
    assert len(answered[1].split()) > 50


def test_a_part_is_healthy_until_a_batch_never_ends(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = PartServer("classifier", tiny_bundle)
    asyncio.run(part.reconfigure({}))
    part.check_health()
    monkeypatch.setattr(part._batcher, "busy_s", lambda: STUCK_S + 1)
    with pytest.raises(RuntimeError, match="classifier: a batch has taken 121 s"):
        part.check_health()


def test_batch_sizes_change_while_a_part_answers(whole_bundle: Path) -> None:
    posts = [Post(str(n), "seroquel made me sleep " * 4, "en") for n in range(12)]

    async def run() -> list[Any]:
        graph, parts = compose(whole_bundle)
        await start(parts)
        before = await graph.process(posts)
        asking = [asyncio.ensure_future(graph.process([post])) for post in posts]
        await start(parts, batch_chars=40, batch_wait_s=0.05)
        small = [await each for each in asking]
        states = [each.state()["batch_chars"] for each in parts.values()]
        return [before[0], [reports[0] for reports, _ in small], states]

    together, alone, states = asyncio.run(run())
    assert states == [40, 40, 40]
    assert [each.post_id for each in alone] == [each.post_id for each in together]
    spans = [[found.mention.span for found in each.mentions] for each in together]
    assert [[found.mention.span for found in each.mentions] for each in alone] == spans


def test_a_terminology_changes_without_a_restart(whole_bundle: Path, tmp_path: Path) -> None:
    rows = [f"{concept}\t{term}" for concept, terms in CONCEPTS.items() for term in terms]
    table = tmp_path / "terms.tsv"
    table.write_text("concept_id\tterm\n" + "\n".join([*rows, "C6\tPurple toes"]) + "\n")
    release = read_terminology(str(table), name="effects", version="2", lay_terms=False)
    newer = tmp_path / "newer"
    update_bundle(whole_bundle, release, version="2", folder=newer, device=CPU)
    asked = [Post("1", "purple toes", "en"), Post("2", "my head hurts", "en")]

    async def run() -> list[list[str | None]]:
        graph, parts = compose(whole_bundle)
        await start(parts)
        answers = []
        for bundle in (None, newer):
            await start(parts, bundle=bundle)
            graph.use(bundle)
            (links, *_) = await graph.link(asked, [None, None])
            answers.append([each.concept_id for each in links])
        return answers

    before, after = asyncio.run(run())
    assert "C6" not in before
    assert after[0] == "C6"
    assert after[1] == before[1]


def test_who_took_a_change_that_others_refused_goes_back_though_the_folder_has_changed(
    whole_bundle: Path, tmp_path: Path
) -> None:
    """`smm4h serve` reads one folder anew: what it held before lies on no disk any more."""
    folder = Path(shutil.copytree(whole_bundle, tmp_path / "bundle"))
    old, post = str(read_manifest(folder)["sha256"]), Post("1", "seroquel made me sleep", "en")

    async def run() -> list[Any]:
        graph, parts = compose(folder)
        await start(parts, bundle=folder, sha256=old)
        graph.use(folder, old)
        await graph.process([post])
        shutil.rmtree(folder)
        renamed(whole_bundle, folder, version="2")
        new = str(read_manifest(folder)["sha256"])
        await start(parts, bundle=folder, sha256=new)
        graph.use(folder, new)
        held = {each.state()["bundle"] for each in parts.values()}
        await start(parts, bundle=folder, sha256=old)
        graph.use(folder, old)
        (report,), _ = await graph.process([post])
        states = [each.state() for each in parts.values()]
        late = PartServer("classifier", folder)
        refused = None
        try:
            await late.reconfigure({"bundle": str(folder), "sha256": old})
        except BundleError as error:
            refused = str(error)
        return [held, report.bundle, states, refused]

    held, bundle, states, refused = asyncio.run(run())
    assert held == {"whole@2"}
    assert bundle == "whole@1"
    assert {(each["bundle"], each["refused"]) for each in states} == {("whole@1", None)}
    assert refused is not None
    assert f"expected the bundle {old}, got" in refused


def test_an_ingress_without_a_bundle_is_to_be_replaced(tiny_bundle: Path) -> None:
    from serve.app import IngressDeployment

    graph, parts = compose(tiny_bundle)
    ingress: Any = SimpleNamespace(_service=serve_over(graph, parts))
    asyncio.run(IngressDeployment.check_health(ingress))
    graph.shelf._held = ()
    with pytest.raises(RuntimeError, match="no bundle is held"):
        asyncio.run(IngressDeployment.check_health(ingress))
