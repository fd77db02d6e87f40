"""PsyTAR's spreadsheet: sentences in one sheet, the strings found in them in others, no offsets.

Zolnoori and others, Data in Brief 24 (2019), 103838. ``Sentence_Labeling`` has the sentences and
their labels, ``ADR_Identified`` the strings of each (``ADR1`` …), ``ADR_Mapped`` the concepts of a
string.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from xml.etree.ElementTree import ParseError

from smm4h_core.corpora.locate import locate
from smm4h_core.corpora.original import Original, Place, mention_of
from smm4h_core.corpora.problems import Problem, Report, refuse
from smm4h_core.errors import DataError
from smm4h_core.types import AnnotatedPost, Mention, Post, Span

if TYPE_CHECKING:
    from openpyxl import Workbook

Codes = Literal["umls", "snomed"]
"""Which concept of a string: UMLS's or SNOMED CT's."""

_SENTENCES, _STRINGS, _CONCEPTS = "sentence_labeling", "adr_identified", "adr_mapped"
_OTHER_TYPES = ("WD", "SSI", "DI")
_COLUMNS: Mapping[Codes, tuple[str, ...]] = {"umls": ("umls1", "umls2"), "snomed": ("snomed-ct",)}
# A cell holds the code among names and sources: "C0917801 / …", "… [A1/SNOMEDCT_US/FN/278040002]".
_CODE: Mapping[Codes, re.Pattern[str]] = {
    "umls": re.compile(r"\bC\d{7}\b"),
    "snomed": re.compile(r"(?<=/)\d{6,18}(?=\])|^\d{6,18}(?=\.0$|$)"),
}
# The annotators marked doubtful cases with these instead of a 1.
_MARKS = frozenset("!*")

# An encrypted archive is a RuntimeError; sheets are unpacked and parsed as their rows are read.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    ParseError,
    RuntimeError,
)

_Key = tuple[str, int]
_Cells = list[tuple[str, str]]


def is_psytar(path: Path) -> bool:
    """Whether a workbook has the sheets ``Sentence_Labeling`` and ``ADR_Identified``.

    One that is too damaged to tell is taken to have them: reading it says what is wrong.
    """
    if path.suffix.lower() != ".xlsx" or not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            if "xl/workbook.xml" not in archive.namelist():
                return False
            index = archive.read("xl/workbook.xml").decode("utf-8", errors="replace").lower()
    except _DAMAGE:
        return True
    return _SENTENCES in index and _STRINGS in index


def read_psytar(path: Path, codes: Codes = "umls", report: Report = refuse) -> Original:
    """Read the sentences in the sheet's order; a review is a group.

    A sentence is positive where the sheet marks it. A string is placed by
    :func:`smm4h_core.corpora.locate.locate`; one that stands there in parts, and one that does not,
    are reported. A string of several concepts gets the first.

    Args:
        path: ``PsyTAR_dataset.xlsx``.
        codes: Which concepts to take.
        report: Takes the problems met; a line is a row of the sheet that the message names.

    Raises:
        DataError: openpyxl is not installed; the file is no workbook; a sheet is missing; or from
            ``report``, at the first error that is not read on.
    """
    with _open(path) as workbook:
        texts = _read_sentences(workbook, path, report)
        concepts = _read_concepts(workbook, path, codes, report)
        strings: dict[_Key, list[tuple[str, Place]]] = {}
        for key, found, place in _read_strings(workbook, path, "ADR", report):
            if key in texts:
                strings.setdefault(key, []).extend((each, place) for each in found)
            else:
                message = f"expected sentence {key[1]} of {key[0]} in Sentence_Labeling, got none"
                place.error("unknown-id", f"ADR_Identified: {message}")
        dropped = {
            kind: sum(len(found) for _, found, _ in _read_strings(workbook, path, kind, report))
            for kind in _OTHER_TYPES
            if f"{kind.lower()}_identified" in _sheet_names(workbook)
        }
    posts = []
    for key, (text, label) in texts.items():
        group = f"psytar-{key[0]}"
        mentions = _place_strings(key, text, strings.get(key, []), concepts)
        if mentions and not label:
            where = f"ADR_Identified: sentence {key[1]} of {key[0]}"
            message = f"{where} has a string and is not marked ADR in Sentence_Labeling"
            strings[key][0][1].note("negative-with-span", message)
        post = Post(f"{group}-{key[1]}", text, "en")
        posts.append(AnnotatedPost(post, label, mentions, group))
    return Original(tuple(posts), "sentence", dropped)


def _place_strings(
    key: _Key,
    text: str,
    strings: Sequence[tuple[str, Place]],
    concepts: Mapping[tuple[_Key, str], str],
) -> tuple[Mention, ...]:
    mentions: dict[tuple[Span, ...], Mention] = {}
    placed: set[str] = set()
    # The longest first: "pain" must not take the place of "back pain".
    for quoted, place in sorted(strings, key=lambda each: -len(each[0])):
        taken = [part for parts in mentions for part in parts]
        parts = locate(quoted, text, taken)
        where = f"ADR_Identified: {quoted[:40]!r} in sentence {key[1]} of {key[0]}"
        if not parts:
            place.note("unlocated", f"{where}: expected its words in their order, got others")
        elif parts in mentions or (
            # The second of two equal strings must not settle inside a longer mention.
            _fold(quoted) in placed and any(part.overlaps(own) for part in parts for own in taken)
        ):
            place.note("doubled-span", f"{where}: it is marked twice and stands there once")
        else:
            if len(parts) > 1:
                place.note("in-fragments", f"{where}: it stands there in {len(parts)} parts")
            found = " ".join(text[part.start : part.end] for part in parts)
            concept_id = concepts.get((key, _fold(quoted)))
            mentions[parts] = mention_of(parts, found, concept_id=concept_id)
            placed.add(_fold(quoted))
    return tuple(mentions[parts] for parts in sorted(mentions))


def _read_sentences(workbook: Workbook, path: Path, report: Report) -> dict[_Key, tuple[str, bool]]:
    texts: dict[_Key, tuple[str, bool]] = {}
    needed = ("drug_id", "sentence_index", "sentences", "adr")
    for row, place in _read_rows(workbook, path, _SENTENCES, needed, report):
        cells = dict(row)
        key = _key_of(cells, "Sentence_Labeling", place)
        if key is None or not cells["sentences"].strip():
            continue
        if key in texts:
            message = f"expected each sentence once, got {key[1]} of {key[0]} again"
            place.error("doubled-id", f"Sentence_Labeling: {message}")
            continue
        mark = cells["adr"].strip()
        label = mark in ("1", "1.0") or (mark != "" and set(mark) <= _MARKS)
        if not label and mark not in ("", "0", "0.0"):
            message = f"expected 1, ! or * or a blank cell in ADR, got {mark[:40]!r}"
            place.error("unknown-label", f"Sentence_Labeling: {message}")
        texts[key] = cells["sentences"], label
    return texts


def _read_strings(
    workbook: Workbook, path: Path, kind: str, report: Report
) -> Iterator[tuple[_Key, list[str], Place]]:
    column = re.compile(rf"{kind.lower()}\d+")
    needed = ("drug_id", "sentence_index", f"{kind.lower()}1")
    for row, place in _read_rows(workbook, path, f"{kind.lower()}_identified", needed, report):
        key = _key_of(dict(row), f"{kind}_Identified", place)
        found = [cell.strip() for name, cell in row if column.fullmatch(name) and cell.strip()]
        if key is not None and found:
            yield key, found, place


def _read_concepts(
    workbook: Workbook, path: Path, codes: Codes, report: Report
) -> dict[tuple[_Key, str], str]:
    concepts: dict[tuple[_Key, str], str] = {}
    needed = ("drug_id", "sentence_index", "adrs", *_COLUMNS[codes])
    for row, place in _read_rows(workbook, path, _CONCEPTS, needed, report):
        key = _key_of(dict(row), "ADR_Mapped", place)
        if key is None:
            continue
        # The sheet has two columns of one name, SNOMED-CT: the cells are read in their order.
        found = [
            code[0]
            for name, cell in row
            if name in _COLUMNS[codes] and (code := _CODE[codes].search(cell.strip()))
        ]
        if len(found) > 1:
            place.note("several-concepts", f"ADR_Mapped: the first of {', '.join(found)} is kept")
        if found:
            concepts.setdefault((key, _fold(dict(row)["adrs"])), found[0])
    return concepts


def _fold(quoted: str) -> str:
    return " ".join(quoted.casefold().split())


def _key_of(cells: Mapping[str, str], sheet: str, place: Place) -> _Key | None:
    review, index = cells["drug_id"].strip().lower(), cells["sentence_index"].strip()
    # Below the last review stand sums.
    if not review:
        return None
    number = re.fullmatch(r"(\d{1,6})(?:\.0)?", index)
    if number is None:
        message = f"expected a whole number as sentence_index, got {index[:40]!r}"
        place.error("bad-index", f"{sheet}: {message}")
        return None
    return review, int(number[1])


def _sheet_names(workbook: Workbook) -> dict[str, str]:
    """Sheets by their names in one spelling: published as ``ADR_Mapped`` and ``WD-Mapped ``."""
    return {name.strip().lower().replace("-", "_"): name for name in workbook.sheetnames}


def _read_rows(
    workbook: Workbook, path: Path, sheet: str, needed: Sequence[str], report: Report
) -> Iterator[tuple[_Cells, Place]]:
    names = _sheet_names(workbook)
    if sheet not in names:
        raise DataError(f"{path}: expected a sheet {sheet}, got {', '.join(workbook.sheetnames)}")
    rows = workbook[names[sheet]].iter_rows(values_only=True)
    header = [str(cell or "").strip().lower() for cell in next(rows, ())]
    if missing := [column for column in needed if column not in header]:
        got = ", ".join(filter(None, header)) or "an empty sheet"
        message = f"{names[sheet]}: expected the columns {', '.join(missing)} too; got {got}"
        report(Problem(path, 1, "wrong-columns", message))
        return
    for line, cells in enumerate(rows, start=2):
        values = ["" if cell is None else str(cell) for cell in cells]
        values += [""] * (len(header) - len(values))
        yield list(zip(header, values, strict=False)), Place(path, line, report)


@contextmanager
def _open(path: Path) -> Iterator[Workbook]:
    try:
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError as error:
        raise DataError(
            f"{path}: expected the package openpyxl to read a spreadsheet with, got none "
            f"(pip install 'smm4h[corpora]')"
        ) from error
    try:
        workbook = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, KeyError, *_DAMAGE) as error:
        raise DataError(f"{path}: expected an .xlsx workbook, got: {error}") from error
    with closing(workbook):
        try:
            yield workbook
        except _DAMAGE as error:
            raise DataError(f"{path}: expected sound sheets, got: {error}") from error
