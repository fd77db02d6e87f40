"""MedDRA's ASCII release: a folder of ``$``-separated files without headers.

Columns as the MSSO's "Distribution File Format Document" gives them (method, section 6). A
concept is a PT; its LLTs are its terms. HLTs, HLGTs and SOCs are concepts too, above it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from smm4h_core.drugs.curation import language_of
from smm4h_core.errors import DataError
from smm4h_core.link.lines import read_lines
from smm4h_core.link.terminology import Term

WIDTHS: Mapping[str, int] = MappingProxyType(
    {
        "llt.asc": 11,
        "pt.asc": 11,
        "hlt.asc": 9,
        "hlt_pt.asc": 2,
        "hlgt.asc": 9,
        "hlgt_hlt.asc": 2,
        "soc.asc": 10,
        "soc_hlgt.asc": 2,
        "mdhier.asc": 12,
        "intl_ord.asc": 2,
        "smq_list.asc": 9,
        "smq_content.asc": 9,
    }
)
"""Files of a release with the number of their columns."""
SMQ_FILES = ("smq_list.asc", "smq_content.asc")
"""Standardised queries: groups of PTs and LLTs for whoever searches. Nothing is linked to one; a
release may come without them, and those that are there are checked."""
SMQ_LEVELS = MappingProxyType({"0": "SMQ", "4": "PT", "5": "LLT"})
"""What a line of ``smq_content.asc`` names, by its ``term_level``."""
RELEASE_FILE = "meddra_release.asc"
"""States version and language; older releases lack it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file."""

    path: Path
    """The file."""
    number: int
    """Its line, from 1."""
    cells: tuple[str, ...]
    """Its columns."""

    def refuse(self, expected: str, got: str) -> DataError:
        """The error that names this line."""
        return DataError(f"{self.path}:{self.number}: expected {expected}, got {got}")


@dataclass(frozen=True, slots=True)
class _Level:
    file: str
    level: str
    lines: Mapping[str, Line]

    def name(self, code: str) -> str:
        return self.lines[code].cells[1]


def is_meddra(folder: Path) -> bool:
    """Whether a folder looks like a release."""
    return (folder / "llt.asc").is_file()


def read_release(folder: Path) -> str | None:
    """The version that the release states itself; None where it does not."""
    path = folder / RELEASE_FILE
    if not path.is_file():
        return None
    _, line = next(read_lines(path), (1, ""))
    return line.partition("$")[0].strip() or None


def read_meddra(folder: Path) -> Iterator[Term]:
    """Read a release, every file of `WIDTHS`, and check that they agree; see `SMQ_FILES`.

    Raises:
        DataError: a missing file, another number of columns, a code that is empty, stands twice or
            leads nowhere, a PT without exactly one primary SOC, files that contradict each other;
            by file and line.
    """
    for name in WIDTHS:
        if not (folder / name).is_file() and name not in SMQ_FILES:
            raise DataError(f"{folder / name}: expected a file of the release, got nothing")
    soc, hlgt, hlt, pt = (
        _Level(file, level, _by_code(folder / file))
        for file, level in (
            ("soc.asc", "SOC"),
            ("hlgt.asc", "HLGT"),
            ("hlt.asc", "HLT"),
            ("pt.asc", "PT"),
        )
    )
    _check_order(folder / "intl_ord.asc", soc)
    hlgt_parents = _read_parents(folder / "soc_hlgt.asc", soc, hlgt)
    hlt_parents = _read_parents(folder / "hlgt_hlt.asc", hlgt, hlt)
    pt_parents = _read_parents(folder / "hlt_pt.asc", hlt, pt)
    parents = (pt_parents, hlt_parents, hlgt_parents)
    primary = _read_hierarchy(folder / "mdhier.asc", (pt, hlt, hlgt, soc), parents)
    _check_queries(folder, pt)
    yield from _preferred(soc, {}, {})
    yield from _preferred(hlgt, hlgt_parents, {})
    yield from _preferred(hlt, hlt_parents, {})
    for code, (hlt_code, _) in primary.items():
        others = [each for each in pt_parents[code] if each != hlt_code]
        pt_parents[code] = [hlt_code, *others]
    yield from _preferred(pt, pt_parents, {code: group for code, (_, group) in primary.items()})
    yield from _read_llts(folder / "llt.asc", pt)


def _read(path: Path) -> Iterator[Line]:
    width = WIDTHS[path.name]
    for number, text in read_lines(path):
        if not text.strip():
            continue
        *cells, rest = text.split("$")
        line = Line(path, number, tuple(cell.strip() for cell in cells))
        # Strict about the last separator: a line that lost one inside would shift its columns.
        if len(cells) != width or rest:
            raise line.refuse(f"{width} columns, a $ after each", str(len(cells) + bool(rest)))
        if not line.cells[0]:
            raise line.refuse("a code", "an empty cell")
        yield line


def _by_code(path: Path) -> dict[str, Line]:
    lines: dict[str, Line] = {}
    for line in _read(path):
        code, name = line.cells[:2]
        if not name:
            raise line.refuse(f"a name of {code}", "an empty cell")
        if code in lines:
            raise line.refuse(f"code {code} once", f"it on line {lines[code].number} too")
        lines[code] = line
    if not lines:
        raise DataError(f"{path}: expected lines, got an empty file")
    return lines


def _known(line: Line, code: str, level: _Level) -> str:
    if code not in level.lines:
        raise line.refuse(f"a {level.level} of {level.file}", repr(code))
    return code


def _read_parents(path: Path, above: _Level, below: _Level) -> dict[str, list[str]]:
    parents: dict[str, list[str]] = {code: [] for code in below.lines}
    for line in _read(path):
        upper, lower = line.cells
        _known(line, upper, above)
        parents[_known(line, lower, below)].append(upper)
    for code, listed in parents.items():
        if not listed:
            raise below.lines[code].refuse(f"a {above.level} of {code} in {path.name}", "none")
    return parents


def _check_order(path: Path, soc: _Level) -> None:
    listed = [_known(line, line.cells[1], soc) for line in _read(path)]
    for code in soc.lines:
        if listed.count(code) != 1:
            raise soc.lines[code].refuse(
                f"SOC {code} once in {path.name}", f"it {listed.count(code)} times"
            )


def _check_queries(folder: Path, pt: _Level) -> None:
    listed, content = (folder / name for name in SMQ_FILES)
    if listed.is_file() != content.is_file():
        there, missing = (listed, content) if listed.is_file() else (content, listed)
        raise DataError(f"{missing}: expected it beside {there.name}, got nothing")
    if not listed.is_file():
        return
    queries = _Level(listed.name, "SMQ", _by_code(listed))
    llt = _Level("llt.asc", "LLT", _by_code(folder / "llt.asc"))
    levels = {each.level: each for each in (queries, pt, llt)}
    for line in _read(content):
        _known(line, line.cells[0], queries)
        level = SMQ_LEVELS.get(line.cells[2])
        if level is None:
            raise line.refuse(f"a term_level among {', '.join(SMQ_LEVELS)}", repr(line.cells[2]))
        _known(line, line.cells[1], levels[level])


def _read_hierarchy(
    path: Path, levels: Sequence[_Level], parents: Sequence[Mapping[str, list[str]]]
) -> dict[str, tuple[str, str]]:
    """Each PT's HLT and SOC on its primary path.

    Args:
        path: ``mdhier.asc``.
        levels: PT, HLT, HLGT and SOC.
        parents: Of PTs, HLTs and HLGTs, as the files between two levels have them.
    """
    pt = levels[0]
    primary: dict[str, tuple[str, str]] = {}
    for line in _read(path):
        codes = [_known(line, *each) for each in zip(line.cells, levels, strict=False)]
        pt_code, hlt_code, _, soc_code = codes
        *_, primary_soc, flag = line.cells
        for code, above, level, known in zip(codes, codes[1:], levels[1:], parents, strict=False):
            if above not in known[code]:
                between = f"{level.file.removesuffix('.asc')}_{_below(level, levels)}"
                raise line.refuse(f"a {level.level} of {code} as {between} has it", above)
        for code, name, level in zip(codes, line.cells[4:], levels, strict=False):
            if name != level.name(code):
                raise line.refuse(f"{level.name(code)!r} as {level.file} has it", repr(name))
        if flag not in ("Y", "N"):
            raise line.refuse("Y or N as primary_soc_fg", repr(flag))
        stated = pt.lines[pt_code].cells[3]
        if primary_soc != stated or (flag == "Y" and soc_code != stated):
            raise line.refuse(
                f"primary SOC {stated} of {pt_code} as pt.asc has it",
                soc_code if primary_soc == stated else primary_soc,
            )
        if flag == "Y":
            if pt_code in primary:
                raise line.refuse(f"one primary path of {pt_code}", "a second one")
            primary[pt_code] = hlt_code, soc_code
    for code, line in pt.lines.items():
        if code not in primary:
            raise line.refuse(f"a primary path of {code} in {path.name}", "none")
    return primary


def _below(level: _Level, levels: Sequence[_Level]) -> str:
    return levels[levels.index(level) - 1].file


def _preferred(
    level: _Level, parents: Mapping[str, list[str]], groups: Mapping[str, str]
) -> Iterator[Term]:
    for code in level.lines:
        name = level.name(code)
        yield Term(
            code,
            name,
            "preferred",
            language_of(name),
            tuple(parents.get(code, ())),
            code=code,
            level=level.level,
            group=groups.get(code),
        )


def _read_llts(path: Path, pt: _Level) -> Iterator[Term]:
    for code, line in _by_code(path).items():
        name, pt_code, flag = line.cells[1], line.cells[2], line.cells[9]
        _known(line, pt_code, pt)
        if flag not in ("Y", "N"):
            raise line.refuse("Y or N as llt_currency", repr(flag))
        if code == pt_code:  # every PT stands among its LLTs under its own code
            if name != pt.name(pt_code):
                raise line.refuse(f"{pt.name(pt_code)!r} as pt.asc has it", repr(name))
            continue
        yield Term(pt_code, name, "llt", language_of(name), current=flag == "Y", code=code)
