"""The served graph answers what the pipeline answers, whatever is asked at the same time."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from serve.graph import Wanted
from smm4h_core.bundle import seal
from smm4h_core.corpora.sample import sample_split
from smm4h_core.errors import BundleError, DataError
from smm4h_core.pipeline import load_pipeline
from smm4h_core.types import Post
from tests.serving import compose, renamed, start

CPU = torch.device("cpu")


def same(found: Any, expected: Any, path: str = "") -> list[str]:
    """Where two answers differ; numbers may by what padding rounds."""
    if is_dataclass(expected) and type(found) is type(expected):
        return [
            difference
            for each in fields(expected)
            for difference in same(
                getattr(found, each.name), getattr(expected, each.name), f"{path}.{each.name}"
            )
        ]
    if isinstance(expected, tuple | list) and len(found) == len(expected):
        pairs = zip(found, expected, strict=True)
        return [d for n, (a, b) in enumerate(pairs) for d in same(a, b, f"{path}[{n}]")]
    if isinstance(expected, float):
        return [] if found == pytest.approx(expected, abs=1e-5) else [f"{path}: {found}"]
    return [] if found == expected else [f"{path}: {found!r}, expected {expected!r}"]


@pytest.fixture(scope="module")
def posts() -> list[Post]:
    both = [each.post for lang in ("en", "ru") for each in sample_split(lang, "dev")[:50]]
    return [Post(f"{n}", each.text) for n, each in enumerate(both)]


@pytest.mark.parametrize("extract_all", [False, True])
def test_graph_answers_what_the_pipeline_answers(
    whole_bundle: Path, posts: list[Post], extract_all: bool
) -> None:
    expected = load_pipeline(whole_bundle, device=CPU).process(posts, extract_all=extract_all)
    assert {each.lang for each in expected} == {"en", "ru"}
    assert {each.ade.is_ade for each in expected} == {True, False}
    assert any(found.link for each in expected for found in each.mentions)

    async def run() -> tuple[list[Any], list[Any]]:
        graph, parts = compose(whole_bundle)
        await start(parts)
        wanted = Wanted(extract_all=extract_all)
        together, _ = await graph.process(posts, wanted)
        alone = await asyncio.gather(*(graph.process([post], wanted) for post in posts))
        return together, [report for (report,), _ in alone]

    together, alone = asyncio.run(run())
    assert same(together, expected) == []
    assert same(alone, expected) == []


@pytest.mark.parametrize("bundle", ["tiny_bundle", "whole_bundle"])
def test_graph_answers_for_bundles_of_any_kinds(
    bundle: str, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(bundle)
    given = [Post("a", "seroquel made me sleep"), Post("b", "")]
    expected = load_pipeline(folder, device=CPU).process(given)

    async def run() -> Any:
        graph, parts = compose(folder)
        await start(parts)
        return (await graph.process(given))[0]

    assert same(asyncio.run(run()), expected) == []


def test_graph_refuses_a_language_that_is_not_served(tiny_bundle: Path) -> None:
    async def run() -> None:
        graph, parts = compose(tiny_bundle)
        await start(parts)
        await graph.process([Post("7", "текст", "ru")])

    with pytest.raises(DataError, match="got ru"):
        asyncio.run(run())


def test_graph_links_strings_as_the_pipeline_does(whole_bundle: Path) -> None:
    expected = load_pipeline(whole_bundle, device=CPU).link("my head hurts", lang="en")

    async def run() -> Any:
        graph, parts = compose(whole_bundle)
        await start(parts)
        return await graph.link([Post("1", "my head hurts", "en"), Post("2", "", "en")], [None] * 2)

    (first, second), timings, label = asyncio.run(run())
    assert same(first, expected) == []
    assert second.concept_id is None
    assert label == "whole@1"
    assert timings.infer > 0 < timings.tokenise


def test_graph_times_what_it_waits_for(whole_bundle: Path, posts: list[Post]) -> None:
    async def run() -> Any:
        graph, parts = compose(whole_bundle)
        await start(parts)
        return (await graph.process(posts[:8], Wanted(extract_all=True)))[1]

    timings = asyncio.run(run())
    assert min(timings.queue, timings.tokenise, timings.infer) > 0


def test_graph_takes_a_new_bundle_without_a_failed_request(
    whole_bundle: Path, posts: list[Post], tmp_path: Path
) -> None:
    newer = renamed(whole_bundle, tmp_path / "newer", version="2")

    async def run() -> tuple[set[str], list[str]]:
        graph, parts = compose(whole_bundle)
        await start(parts)
        labels, stop = set(), asyncio.Event()

        async def ask() -> None:
            while not stop.is_set():
                reports, _ = await graph.process(posts[:3])
                labels.update(report.bundle for report in reports)

        asking = [asyncio.create_task(ask()) for _ in range(3)]
        await asyncio.sleep(0.1)
        graph.use(newer)  # before any part has it
        await asyncio.sleep(0.1)
        await start(parts, bundle=newer)
        await asyncio.sleep(0.2)
        stop.set()
        await asyncio.gather(*asking)
        (last, *_), _ = await graph.process(posts[:1])
        return labels, [last.bundle, *parts["linker"].state()["held"]]

    labels, last = asyncio.run(run())
    assert labels == {"whole@1", "whole@2"}
    assert last == ["whole@2", "whole@2", "whole@1"]


def test_graph_keeps_the_old_bundle_where_the_new_one_is_broken(
    whole_bundle: Path, posts: list[Post], tmp_path: Path
) -> None:
    broken = renamed(whole_bundle, tmp_path / "broken", version="3")
    next(broken.rglob("*.safetensors")).write_bytes(b"\0")

    async def run() -> Any:
        graph, parts = compose(whole_bundle)
        await start(parts)
        graph.use(broken)
        await start(parts, bundle=broken)
        reports, _ = await graph.process(posts[:1])
        return reports[0].bundle, graph.shelf.refused, parts["classifier"].state()["refused"]

    label, front, part = asyncio.run(run())
    assert label == "whole@1"
    assert "safetensors: expected" in front
    assert front == part


def test_what_answered_is_kept_when_others_refused_the_one_in_use(
    whole_bundle: Path, posts: list[Post], tmp_path: Path
) -> None:
    halfway = renamed(whole_bundle, tmp_path / "halfway", version="2")
    good = renamed(whole_bundle, tmp_path / "good", version="3")

    async def run() -> list[str]:
        graph, parts = compose(whole_bundle)
        await start(parts)
        labels = []
        for newest in (halfway, good):  # no part takes the first, nor yet the second
            graph.use(newest)
            (report,), _ = await graph.process(posts[:1])
            labels.append(report.bundle)
        await start(parts, bundle=good)
        (report,), _ = await graph.process(posts[:1])
        return [*labels, report.bundle]

    assert asyncio.run(run()) == ["whole@1", "whole@1", "whole@3"]


def test_parts_stay_as_they_were_where_settings_cannot_be_read(tiny_bundle: Path) -> None:
    async def run() -> list[Any]:
        graph, parts = compose(tiny_bundle)
        await start(parts)
        part = parts["classifier"]
        await part.reconfigure({"rule": {"treshold": 0.5}})
        said = [part.state()["refused"]]
        (report,), _ = await graph.process([Post("1", "seroquel made me sleep", "en")])
        await part.reconfigure({})
        return [*said, report.bundle, part.state()["refused"]]

    refused, label, after = asyncio.run(run())
    assert refused == "user_config: rule.treshold: Extra inputs are not permitted"
    assert (label, after) == ("tiny@1", None)


def test_a_language_may_have_a_threshold_of_its_own(whole_bundle: Path) -> None:
    given = [Post("1", "seroquel made me sleep", "en"), Post("2", "болит голова", "ru")]

    async def run() -> list[Any]:
        graph, parts = compose(whole_bundle)
        said = []
        for ru in (0.0, 1.0):
            rule_of = {"ru": {"threshold": ru}}
            for part in parts.values():
                own = part.kind == "classifier"
                await part.reconfigure(
                    {"rule": {"threshold": 0.0}, "rule_of": rule_of} if own else {}
                )
            reports, _ = await graph.process(given)
            said.append([each.ade.is_ade for each in reports])
        await parts["classifier"].reconfigure({"rule_of": {"de": {"threshold": 0.5}}})
        return [*said, parts["classifier"].state()["refused"]]

    low, high, refused = asyncio.run(run())
    assert (low, high) == ([True, True], [True, False])
    assert "rule_of.de" in refused


def test_a_bundle_and_its_rule_change_together(tiny_bundle: Path, tmp_path: Path) -> None:
    voting = Path(shutil.copytree(tiny_bundle, tmp_path / "voting"))
    manifest = json.loads((voting / "manifest.json").read_text())
    manifest["parts"]["classifier"]["rule"] = {
        "kind": "majority", "member_thresholds": [0.5, 0.5], "tie": "positive",
    }  # fmt: skip
    (voting / "manifest.json").write_text(json.dumps({**manifest, "sha256": seal(manifest)}))

    async def run() -> dict[str, Any]:
        _, parts = compose(voting)
        await start(parts)
        await start(parts, bundle=tiny_bundle, rule={"threshold": 1.0})  # a vote has no such number
        return parts["classifier"].state()

    state = asyncio.run(run())
    assert (state["refused"], state["bundle"]) == (None, "tiny@1")
    assert state["rule"] == {"threshold": 1.0}


def test_parts_that_never_had_a_bundle_say_the_root_cause(tmp_path: Path, tiny_bundle) -> None:
    broken = Path(shutil.copytree(tiny_bundle, tmp_path / "broken"))
    (broken / "README.md").unlink()
    with pytest.raises(BundleError, match=r"README\.md: missing"):
        asyncio.run(start(compose_parts(broken)))


def compose_parts(bundle: Path) -> Any:
    from serve.part import PartServer

    return {"classifier": PartServer("classifier", bundle)}


def test_parts_take_thresholds_live_and_refuse_wrong_ones(tiny_bundle: Path) -> None:
    given = [Post("1", "seroquel made me sleep", "en")]

    async def run() -> list[Any]:
        graph, parts = compose(tiny_bundle)
        said = []
        for rule in (
            {},
            {"threshold": 0.0},
            {"threshold": 1.0},
            {"threshold": 7.0},
            {"min_votes": 1},
        ):
            await start(parts, rule=rule)
            (report,), _ = await graph.process(given)
            said.append((report.ade.is_ade, parts["classifier"].state()["refused"]))
        return said

    _, low, high, wrong, unknown = asyncio.run(run())
    assert (low, high) == ((True, None), (False, None))
    assert wrong[0] is False and "threshold" in wrong[1]
    assert unknown[0] is False and "min_votes" in unknown[1]
