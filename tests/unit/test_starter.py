"""The bundle that comes with the package: whole, small, and not thrown by what people post."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smm4h_core.bundle import verify_bundle
from smm4h_core.packaged import STARTER, locate_bundle
from smm4h_core.pipeline import Pipeline, load_pipeline
from smm4h_core.types import Report, Span
from tests.unit.hostile import HOSTILE


@pytest.fixture(scope="module")
def starter() -> Pipeline:
    return load_pipeline(locate_bundle(STARTER))


def quotes(report: Report) -> list[tuple[Span, str]]:
    found = [(each.span, each.text) for each in report.drugs]
    for each in report.mentions or ():
        found.append((each.mention.span, each.mention.text))
    return found


def test_starter_is_whole_small_and_names_its_sources() -> None:
    folder = locate_bundle(STARTER)
    manifest = verify_bundle(folder)
    assert sum(each["size"] for each in manifest["files"].values()) < 25_000_000
    assert manifest["languages"] == ["en", "ru"]
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "CC BY 4.0" in card
    assert not [name for name in manifest["files"] if name.endswith((".pkl", ".pt", ".bin"))]
    assert all(
        not str(part["configuration"]["storage"]).startswith("/")
        for part in manifest["parts"].values()
    )


def test_starter_answers_in_both_languages(starter: Pipeline) -> None:
    english, russian, sister = starter.process(
        [
            "seroquel made me sleep 14 hours and my arms went numb",
            "после феварина не могу спать и постоянно тошнит",
            "от сероквеля я спала 14 часов, и у меня онемели руки",
        ]
    )
    assert english.ade is not None
    assert english.ade.is_ade
    assert [drug.name for drug in english.drugs] == ["quetiapine"]
    assert "sleep 14 hours" in [each.mention.text for each in english.mentions or ()]
    assert russian.lang == "ru"
    assert [drug.name for drug in russian.drugs] == ["fluvoxamine"]
    linked = {each.link.name for each in russian.mentions or () if each.link}
    assert "Nausea" in linked
    assert sister.ade is not None
    assert sister.ade.is_ade
    found = {each.mention.text: each for each in sister.mentions or ()}
    assert set(found) == {"спала 14 часов", "онемели руки"}
    assert found["онемели руки"].link is not None
    assert found["онемели руки"].link.name == "Hypoesthesia"


def test_starter_shares_each_encoder_between_its_parts(starter: Pipeline) -> None:
    bundle = starter.bundle
    networks = [
        network
        for parts in (bundle.classifiers, bundle.extractors, bundle.linkers)
        for part in set(parts.values())
        for seed in part.networks
        for network in seed
    ]
    held = {id(each): each.numel() for network in networks for each in network.parameters()}
    alone = [sum(each.numel() for each in network.parameters()) for network in networks]
    assert len(networks) == 9
    assert sum(held.values()) < 0.25 * sum(alone)


def test_starter_is_not_thrown_by_hostile_text(starter: Pipeline) -> None:
    together = starter.process(list(HOSTILE), extract_all=True)
    for text, report in zip(HOSTILE, together, strict=True):
        for span, quoted in quotes(report):
            assert text[span.start : span.end] == quoted


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.one_of(
            st.text(st.characters(codec=None), max_size=60),  # halves of surrogate pairs, too
            st.sampled_from(["rash", " no sleep ", "💊", "seroquel", "тошнит", "\u200d", "\u0301"]),
        ),
        max_size=8,
    ).map("".join)
)
def test_starter_quotes_any_post_as_it_stands(starter: Pipeline, text: str) -> None:
    (report,) = starter.process([text], extract_all=True)
    for span, quoted in quotes(report):
        assert text[span.start : span.end] == quoted
        assert quoted
