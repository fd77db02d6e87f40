"""Hand-written phrases that the sample is made from, read from this package's data folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from smm4h_core.types import Lang

POSITIVE_KINDS = frozenset({"ade", "ade_two"})
"""Kinds of frame that report an adverse drug effect."""
EASY_KINDS = frozenset({"easy"})
"""Kinds of negative frame that name neither effect nor indication."""
Mood = Literal["plain", "bad", "good", "unsure", "sober"]
MOODS: dict[str, Mood] = {
    "ade": "bad",
    "ade_two": "bad",
    "no_benefit": "bad",
    "other_cause": "bad",
    "benefit": "good",
    "negation": "good",
    "no_effects": "good",
    "indication": "unsure",
    "question": "unsure",
    "advert": "sober",
    "news": "sober",
}
"""Mood of a kind's authors, plain where not listed; sober ones do not chat."""
NOUN_CASES = ("nom", "gen", "acc", "ins")
"""Order of a Russian noun phrase's forms in the wordings."""
DRUG_CASES = ("nom", "gen", "dat", "acc", "ins", "prep")
"""Order of a Russian drug name's forms in the drug table."""
ALSO_FITS = {"np": ("np", "noun"), "slow": ("slow", "past")}
"""Slots that take another slot's wordings too; the reverse would be ungrammatical or untimely."""
HELD_OUT_EVERY = 5
"""Each fifth wording is kept from the train split, so that the test also asks for unseen words."""

_GENDERED = re.compile(r"\[([^|\]]+)\|([^\]]+)\]")
_SLOT = re.compile(r"\{(for )?(\w+)(?:\.(\w+))?(?::([\w,]+))?\}")


@dataclass(frozen=True, slots=True)
class Slot:
    """A place of a frame that a drug, a wording or a link fills."""

    name: str
    """``drug``, ``other``, ``url``, or what a wording fits: ``noun``, ``np``, ``make``, ..."""
    case: str | None
    """Grammatical case in Russian; None for English and for clauses."""
    only: tuple[str, ...]
    """The only drug groups or concepts that may stand here; empty where any may."""
    treated: bool
    """Whether the wording is what the drug is taken for; such a wording is never annotated."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One hand-written sentence frame."""

    frame_id: str
    """Such as ``en-negation-03``; posts of one frame share it as their group."""
    kind: str
    """What sort of post it makes; a key of ``frames.yaml``."""
    parts: tuple[str | Slot, ...]
    """Literal text and slots in order."""

    @property
    def is_positive(self) -> bool:
        """Whether its posts report an adverse drug effect."""
        return self.kind in POSITIVE_KINDS

    @property
    def mood(self) -> Mood:
        """Mood of its authors."""
        return MOODS.get(self.kind, "plain")

    def slots(self) -> tuple[Slot, ...]:
        """List the frame's slots in order."""
        return tuple(part for part in self.parts if isinstance(part, Slot))


@dataclass(frozen=True, slots=True)
class Wording:
    """One lay way to say a concept."""

    concept: str
    """Our key of the concept."""
    slot: str
    """Grammatical slot that it fits."""
    forms: tuple[str, ...]
    """One form, or four in the order of ``NOUN_CASES``."""
    held_out: bool
    """Whether the train split never uses it."""

    def form(self, case: str | None) -> str:
        """Inflect the wording for ``case``."""
        return self.forms[0 if case is None else NOUN_CASES.index(case)]


@dataclass(frozen=True, slots=True)
class DrugGroup:
    """Drugs that share what they treat and what their users complain of."""

    name: str
    """Key of the group."""
    treats: tuple[str, ...]
    """Concepts that its drugs are taken for."""
    causes: tuple[str, ...]
    """Concepts that its drugs are said to cause."""
    drugs: tuple[tuple[str, ...], ...]
    """Each drug's forms: one in English, six in Russian in the order of ``DRUG_CASES``."""


@dataclass(frozen=True, slots=True)
class Slang:
    """How posts of a language are dressed."""

    openers: tuple[str, ...]
    """Asides before the sentence."""
    closers: dict[str, list[str]]
    """Asides after the sentence, by mood."""
    laughs: tuple[str, ...]
    """Trailing laughter."""
    emoji: dict[str, list[str]]
    """Emoji, some of several code points, by mood."""
    hashtags: tuple[str, ...]
    """Trailing hashtags, without the sign."""
    shorthand: dict[str, str]
    """Full form to what is typed instead."""
    stretch: tuple[str, ...]
    """Words whose last letter may be drawn out."""
    keyboard: tuple[str, ...]
    """Rows of letter keys, for slips of the finger."""


@dataclass(frozen=True, slots=True)
class Phrases:
    """All phrases of one language."""

    concept_ids: dict[str, str]
    """Our key to the identifier in the Human Phenotype Ontology."""
    wordings: tuple[Wording, ...]
    """Lay wordings of every concept."""
    groups: tuple[DrugGroup, ...]
    """Drugs by group."""
    frames: tuple[Frame, ...]
    """Sentence frames of every kind."""
    slang: Slang
    """Noise as on Twitter."""


def in_gender(text: str, gender: int) -> str:
    """Choose between ``[he|she]`` forms: 0 the first, 1 the second."""
    return _GENDERED.sub(lambda match: match[gender + 1], text)


@cache
def read_phrases(lang: Lang) -> Phrases:
    """Read the phrases of a language; the answer is kept and shared."""
    concepts = read_yaml("concepts.yaml")
    slang: dict[str, Any] = {
        name: tuple(entries) if isinstance(entries, list) else entries
        for name, entries in read_yaml(f"{lang}/slang.yaml").items()
    }
    return Phrases(
        concept_ids={key: identifier for key, (identifier, _) in concepts.items()},
        wordings=_wordings(read_yaml(f"{lang}/wordings.yaml")),
        groups=tuple(
            DrugGroup(
                name=name,
                treats=tuple(group["treats"]),
                causes=tuple(group["causes"]),
                drugs=tuple(tuple(drug.split()) for drug in group["drugs"]),
            )
            for name, group in read_yaml(f"{lang}/drugs.yaml").items()
        ),
        frames=tuple(
            Frame(f"{lang}-{kind}-{number:02d}", kind, _parts(text))
            for kind, texts in read_yaml(f"{lang}/frames.yaml").items()
            for number, text in enumerate(texts, start=1)
        ),
        slang=Slang(**slang),
    )


def read_yaml(name: str) -> dict[str, Any]:
    """A table of this package's data folder."""
    text = (files(__package__) / "data" / name).read_text(encoding="utf-8")
    table: dict[str, Any] = yaml.safe_load(text)
    return table


def _wordings(table: dict[str, dict[str, list[str]]]) -> tuple[Wording, ...]:
    entries = [
        (concept, slot, entry)
        for concept, by_slot in table.items()
        for slot, texts in by_slot.items()
        for entry in texts
    ]
    return tuple(
        Wording(concept, slot, tuple(entry.split("/")), held_out=number % HELD_OUT_EVERY == 0)
        for number, (concept, slot, entry) in enumerate(entries, start=1)
    )


def _parts(text: str) -> tuple[str | Slot, ...]:
    parts: list[str | Slot] = []
    end = 0
    for match in _SLOT.finditer(text):
        parts.append(text[end : match.start()])
        treated, name, case, only = match.groups()
        parts.append(Slot(name, case, tuple(only.split(",")) if only else (), treated is not None))
        end = match.end()
    parts.append(text[end:])
    return tuple(part for part in parts if part)
