import re

import pytest

from smm4h_core.corpora.sample.phrases import (
    ALSO_FITS,
    DRUG_CASES,
    MOODS,
    NOUN_CASES,
    POSITIVE_KINDS,
    Phrases,
    read_phrases,
)

LANGS = ("en", "ru")
FILLED_BY_NAME = {"drug", "other", "url"}


@pytest.fixture(params=LANGS)
def phrases(request: pytest.FixtureRequest) -> Phrases:
    return read_phrases(request.param)


def test_frames_are_many_and_distinct(phrases: Phrases) -> None:
    assert len({frame.parts for frame in phrases.frames}) == len(phrases.frames) >= 120
    assert len({frame.frame_id for frame in phrases.frames}) == len(phrases.frames)


def test_kinds_with_a_mood_exist(phrases: Phrases) -> None:
    kinds = {frame.kind for frame in phrases.frames}
    assert set(MOODS) | POSITIVE_KINDS | {"easy"} <= kinds
    assert set(MOODS.values()) <= set(phrases.slang.closers) | {"sober"}
    assert set(phrases.slang.closers) == set(phrases.slang.emoji)


def test_concepts_have_five_wordings_and_an_identifier(phrases: Phrases) -> None:
    assert len(phrases.concept_ids) >= 25
    for concept, identifier in phrases.concept_ids.items():
        assert re.fullmatch(r"HP:\d{7}", identifier)
        assert sum(wording.concept == concept for wording in phrases.wordings) >= 5
    assert len(set(phrases.concept_ids.values())) == len(phrases.concept_ids)
    assert {wording.concept for wording in phrases.wordings} == set(phrases.concept_ids)


def test_drugs_are_many_and_name_known_concepts(phrases: Phrases) -> None:
    drugs = [drug for group in phrases.groups for drug in group.drugs]
    assert len(set(drugs)) == len(drugs) >= 25
    for group in phrases.groups:
        assert len(group.drugs) >= 2
        assert {*group.treats, *group.causes} <= set(phrases.concept_ids)


@pytest.mark.parametrize("lang", LANGS)
def test_forms_are_as_many_as_the_cases(lang: str) -> None:
    phrases = read_phrases(lang)  # type: ignore[arg-type]
    inflects = lang == "ru"
    for wording in phrases.wordings:
        is_noun = wording.slot in ("noun", "np")
        assert len(wording.forms) == (len(NOUN_CASES) if inflects and is_noun else 1), wording
        assert all(form == form.strip() != "" for form in wording.forms)
    for group in phrases.groups:
        assert {len(drug) for drug in group.drugs} == {len(DRUG_CASES) if inflects else 1}


@pytest.mark.parametrize("lang", LANGS)
def test_slots_name_their_case_where_the_language_inflects(lang: str) -> None:
    for frame in read_phrases(lang).frames:  # type: ignore[arg-type]
        for slot in frame.slots():
            inflects = lang == "ru" and slot.name in ("drug", "other", "noun", "np")
            cases = DRUG_CASES if slot.name in ("drug", "other") else NOUN_CASES
            assert (slot.case in cases) if inflects else slot.case is None, frame.frame_id


def test_slots_can_be_filled_with_or_without_the_held_out_wordings(phrases: Phrases) -> None:
    groups = {group.name: group for group in phrases.groups}
    for frame in phrases.frames:
        only = [name for slot in frame.slots() if slot.name == "drug" for name in slot.only]
        assert set(only) <= set(groups), frame.frame_id
        needs_use = any(slot.treated for slot in frame.slots())
        for group in (groups[name] for name in only or groups):
            if needs_use and not group.treats:
                assert not only, f"{frame.frame_id} asks what {group.name} treats"
                continue
            for slot in frame.slots():
                if slot.name in FILLED_BY_NAME:
                    continue
                concepts = slot.only or (group.treats if slot.treated else group.causes)
                fits = {
                    wording.concept
                    for wording in phrases.wordings
                    if wording.slot in ALSO_FITS.get(slot.name, (slot.name,))
                    and wording.concept in concepts
                    and not wording.held_out
                }
                num_alike = sum(other.name not in FILLED_BY_NAME for other in frame.slots())
                assert len(fits) >= (1 if slot.only else min(num_alike, len(group.treats) or 1))


def test_positive_frames_hold_an_effect_that_is_not_what_the_drug_treats(phrases: Phrases) -> None:
    for frame in phrases.frames:
        effects = [
            slot for slot in frame.slots() if slot.name not in FILLED_BY_NAME and not slot.treated
        ]
        if frame.is_positive:
            assert len(effects) == (2 if frame.kind == "ade_two" else 1), frame.frame_id


def test_frames_leave_no_bracket_unpaired(phrases: Phrases) -> None:
    for frame in phrases.frames:
        literal = "".join(part for part in frame.parts if isinstance(part, str))
        assert not re.search(r"[{}<>]", literal), frame.frame_id
        assert literal.count("[") == literal.count("|") == literal.count("]"), frame.frame_id
