"""What inflection leaves of a word, so that one written form of a term finds the others.

Russian words lose their endings by the Snowball algorithm (M. Porter,
https://snowballstem.org/algorithms/russian/stemmer.html), English ones their plural by Harman's
"S" rule ("How effective is suffixing?", JASIS 42, 1991). Text and terms pass through the same.
"""

from __future__ import annotations

import re
from functools import lru_cache

from smm4h_core.drugs.names import normalise_name

_CYRILLIC = re.compile("[а-я]+")
_LATIN = re.compile("[a-z]{4,}")

_REGIONS = re.compile("[^аеиоуыэюя]*[аеиоуыэюя]")
_R2 = re.compile("(?:[^аеиоуыэюя]*[аеиоуыэюя]+[^аеиоуыэюя]){2}")


def _endings(after_a: str, anywhere: str) -> re.Pattern[str]:
    """The longest of the endings, of which the first ones stand after ``а`` or ``я`` alone."""
    longest = sorted(anywhere.split(), key=len, reverse=True)
    choices = [f"(?:{'|'.join(longest)})"] if longest else []
    if after_a:
        limited = sorted(after_a.split(), key=len, reverse=True)
        choices.append(f"(?<=[ая])(?:{'|'.join(limited)})")
    # `search` finds the leftmost match, which the anchor at the end makes the longest.
    return re.compile(f"(?:{'|'.join(choices)})$")


_ADJECTIVE = "ее ие ые ое ими ыми ей ий ый ой ем им ым ом его ого ему ому их ых ую юю ая яя ою ею"
_GERUND = _endings("в вши вшись", "ив ивши ившись ыв ывши ывшись")
_REFLEXIVE = re.compile("(?:ся|сь)$")
_ADJECTIVAL = _endings("", _ADJECTIVE)
_PARTICIPLE = _endings("ем нн вш ющ щ", "ивш ывш ующ")
_VERB = _endings(
    "ла на ете йте ли й л ем н ло но ет ют ны ть ешь нно",
    "ила ыла ена ейте уйте ите или ыли ей уй ил ыл им ым ен ило ыло ено ят ует уют ит ыт ены ить "
    "ыть ишь ую ю",
)
_NOUN = _endings(
    "",
    "а ев ов ие ье е иями ями ами еи ии и ией ей ой ий й иям ям ием ем ам ом о у ах иях ях ы ь ию "
    "ью ю ия ья я",
)
_DERIVED = re.compile("(?:ост|ость)$")
_SUPERLATIVE = re.compile("ейше?$")


@lru_cache(maxsize=65_536)
def stem_word(word: str) -> str:
    """A word of any text as terms are compared: folded as names of drugs are, then its stem."""
    folded = normalise_name(word)
    if _CYRILLIC.fullmatch(folded):
        return _stem_russian(folded)
    return _strip_plural(folded) if _LATIN.fullmatch(folded) else folded


def _stem_russian(word: str) -> str:
    region = _REGIONS.match(word)
    if region is None:
        return word
    head, tail = word[: region.end()], word[region.end() :]
    stripped = _strip(_GERUND, tail)
    if stripped is None:
        tail = _REFLEXIVE.sub("", tail)
        adjectival = _strip(_ADJECTIVAL, tail)
        if adjectival is not None:
            participle = _strip(_PARTICIPLE, adjectival)
            stripped = adjectival if participle is None else participle
        for pattern in (_VERB, _NOUN):
            stripped = _strip(pattern, tail) if stripped is None else stripped
    tail = tail if stripped is None else stripped
    tail = tail.removesuffix("и")
    second = _R2.match(head + tail)
    if second and (derived := _strip(_DERIVED, (head + tail)[second.end() :])) is not None:
        tail = ((head + tail)[: second.end()] + derived)[len(head) :]
    if tail.endswith("нн"):
        return head + tail[:-1]
    if (plain := _strip(_SUPERLATIVE, tail)) is not None:
        return head + (plain[:-1] if plain.endswith("нн") else plain)
    return head + tail.removesuffix("ь")


def _strip(pattern: re.Pattern[str], tail: str) -> str | None:
    found = pattern.search(tail)
    return tail[: found.start()] if found else None


def _strip_plural(word: str) -> str:
    if word.endswith("ies") and word[-4] not in "ea":
        return word[:-3] + "y"
    if word.endswith("es") and word[-3] not in "aeo":
        return word[:-1]
    if word.endswith("s") and word[-2] not in "us":
        return word[:-1]
    return word
