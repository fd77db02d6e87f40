"""Cases and numbers of Russian names of drugs, made when the tables are built.

Words that pymorphy3's dictionary knows as nouns take its forms. A brand that it does not know takes
the endings that its last letters ask for: to guess by suffix, as pymorphy3 would, gives verbs and
adjectives too often.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

_WORD = re.compile("[а-я]{3,}")
_HARD = "бвгджзклмнпрстфхцчшщ"
_NO_Y = "гкхжчшщ"
"""After these letters the ending is spelt ``и``, never ``ы``."""
_NO_O = "жчшщц"
"""After these an unstressed ending is spelt ``е``, never ``о``."""
_ADJECTIVE = re.compile("(?:ая|яя|ый|ой|ий|ое|ее)$")


def inflect_name(name: str) -> tuple[str, ...]:
    """Other forms of a Russian name in the nominative, the name itself left out.

    Of ``но-шпа`` the last part bends, of ``липоевая кислота`` both words, of any other name of
    several words the first: ``глюкофаж лонг`` gives ``глюкофажа лонг``. A name in another script,
    or one whose ending bends in no way, has no other form.
    """
    head, _, rest = name.partition(" ")
    if rest:
        second, _, after = rest.partition(" ")
        if _ADJECTIVE.search(head) and not after and _is_known_noun(second):
            pairs = _bend_pair(head, second)
        else:
            pairs = [f"{form} {rest}" for form in inflect_name(head)]
        return _without(name, pairs)
    before, dash, last = head.rpartition("-")
    return _without(name, [f"{before}{dash}{form}" for form in _bend(last)])


def bend_by_ending(word: str) -> tuple[str, ...]:
    """Forms of an unknown noun by its ending; none for endings that do not bend."""
    stem, last = word[:-1], word[-1]
    if len(word) <= 3 and {last, stem[-1]} <= set(_HARD):  # spoken letter by letter: ацц, бцж
        return ()
    if last in _HARD:
        i = "и" if last in _NO_Y else "ы"
        o = "е" if last in _NO_O else "о"
        many = f"{word}ей" if last in "жчшщ" else f"{word}{o}в"
        ends = ("а", "у", f"{o}м", "е", i, "ам", "ами", "ах")
        return (*(word + end for end in ends), many)
    if last == "й":
        at = "и" if stem.endswith("и") else "е"
        return tuple(stem + end for end in ("я", "ю", "ем", at, "и", "ев", "ям", "ями", "ях"))
    if last == "ь":
        return tuple(stem + end for end in ("я", "ю", "ем", "е", "и", "ей", "ям", "ями", "ях"))
    if last == "а" and stem[-1] in _HARD:
        i = "и" if stem[-1] in _NO_Y else "ы"
        o = "е" if stem[-1] in _NO_O else "о"
        return tuple(stem + end for end in (i, "е", "у", f"{o}й", f"{o}ю", "ам", "ами", "ах"))
    if last == "я":
        at = "и" if stem.endswith("и") else "е"
        return tuple(stem + end for end in ("и", at, "ю", "ей", "ею", "ям", "ями", "ях"))
    return ()


def _bend(word: str) -> tuple[str, ...]:
    if not _WORD.fullmatch(word):
        return ()
    known = _noun_forms(word)
    return known or bend_by_ending(word)


def _bend_pair(adjective: str, noun: str) -> list[str]:
    """An adjective and the noun it stands with, in every case of the singular."""
    forms = []
    for of_noun in _noun_parses(noun)[0].lexeme:
        if "sing" not in of_noun.tag or "NOUN" not in of_noun.tag:
            continue
        for parse in _analyser().parse(adjective):
            if "ADJF" in parse.tag:
                wanted = {of_noun.tag.case, "sing"} | (
                    {of_noun.tag.gender} if of_noun.tag.gender else set()
                )
                bent = parse.inflect(wanted)
                forms += [f"{bent.word} {of_noun.word}"] if bent else []
                break
    return forms


def _noun_forms(word: str) -> tuple[str, ...]:
    parses = _noun_parses(word)
    return tuple(form.word for form in parses[0].lexeme) if parses else ()


def _noun_parses(word: str) -> list[Any]:
    return [
        parse
        for parse in _analyser().parse(word)
        if parse.is_known and {"NOUN", "nomn"} in parse.tag and parse.normal_form == word
    ]


def _is_known_noun(word: str) -> bool:
    return bool(_noun_parses(word))


def is_form_of_another_word(form: str, name: str) -> bool:
    """Whether the dictionary knows ``form`` as a word that is not ``name``."""
    return any(
        parse.is_known and parse.normal_form.replace("ё", "е") != name
        for parse in _analyser().parse(form)
    )


def _without(name: str, forms: list[str]) -> tuple[str, ...]:
    unique = dict.fromkeys(form.replace("ё", "е") for form in forms)
    return tuple(form for form in unique if form != name)


@cache
def _analyser() -> Any:
    import pymorphy3  # by the build alone; the tables carry the forms

    return pymorphy3.MorphAnalyzer(lang="ru")
