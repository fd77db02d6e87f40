"""One kind of parts by itself: warm before it is ready, healthy, changed while it answers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import torch

from serve.part import STUCK_S, PartServer
from smm4h_core.bundle_build import update_bundle
from smm4h_core.link.source import read_terminology
from smm4h_core.types import Post
from tests.serving import compose, start
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
