"""A synthetic release in MedDRA's shape, for tests and trials; nothing in it is MedDRA's.

Names are our own lay terms, numbers are drawn, and every code begins with 9, which MedDRA's never
do. What is measured on it says nothing about MedDRA.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from smm4h_core.errors import DataError
from smm4h_core.link.lay_terms import LayConcept, load_lay_concepts
from smm4h_core.link.meddra import RELEASE_FILE, WIDTHS

VERSION = "synthetic-1"
HLTS_PER_GROUP = 3
NON_CURRENT_SHARE = 0.08
"""About MedDRA's own share of LLTs that are no longer current."""
SECOND_HLT_SHARE = 0.15
"""PTs that hang under a second, non-primary path."""


@dataclass(frozen=True, slots=True)
class _Node:
    code: str
    name: str
    parents: tuple[_Node, ...] = ()
    """The primary one first."""


def write_synthetic_release(folder: Path, *, num_pts: int = 150, seed: int = 0) -> None:
    """Write every file of a release; the same arguments give the same bytes.

    Args:
        folder: A new or empty folder.
        num_pts: PTs, at most the concepts of our lay terms.
        seed: Of every draw.

    Raises:
        DataError: the folder holds something, or there are fewer lay concepts.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder}: expected a new or empty folder")
    concepts = [each for each in load_lay_concepts() if each.en]
    if not 1 <= num_pts <= len(concepts):
        raise DataError(f"num_pts: expected 1 to {len(concepts)}, got {num_pts}")
    rng = random.Random(f"{seed}/{num_pts}")
    chosen = sorted(rng.sample(concepts, num_pts), key=lambda each: each.concept_id)
    folder.mkdir(parents=True, exist_ok=True)
    files = _make_files(chosen, rng)
    assert files.keys() == WIDTHS.keys()
    for name, rows in files.items():
        _write(folder / name, rows)
    _write(folder / RELEASE_FILE, [(VERSION, "English", "", "", "")])


def _make_files(
    chosen: Sequence[LayConcept], rng: random.Random
) -> dict[str, list[tuple[str, ...]]]:
    socs, hlgts, hlts = _make_groupings(sorted({each.group for each in chosen}))
    pts = [_make_pt(number, each, hlts, rng) for number, each in enumerate(chosen)]
    blank = [""] * 7
    return {
        "llt.asc": [
            row for pt, each in zip(pts, chosen, strict=True) for row in _llts(pt, each, rng)
        ],
        "pt.asc": [(pt.code, pt.name, "", _soc(pt.parents[0]).code, *blank) for pt in pts],
        "hlt.asc": [(each.code, each.name, *blank) for each in hlts],
        "hlt_pt.asc": [(above.code, pt.code) for pt in pts for above in pt.parents],
        "hlgt.asc": [(each.code, each.name, *blank) for each in hlgts],
        "hlgt_hlt.asc": [(each.parents[0].code, each.code) for each in hlts],
        "soc.asc": [(each.code, each.name, each.name[:4], *blank) for each in socs],
        "soc_hlgt.asc": [(each.parents[0].code, each.code) for each in hlgts],
        "mdhier.asc": [_path(pt, hlt) for pt in pts for hlt in pt.parents],
        "intl_ord.asc": [(f"{place:02d}", each.code) for place, each in enumerate(socs, start=1)],
        "smq_list.asc": [
            (_query(soc), f"{soc.name} (SMQ)", "1", "", "", "", VERSION, "A", "N") for soc in socs
        ],
        "smq_content.asc": [
            (_query(_soc(pt.parents[0])), pt.code, "4", "2", "A", "0", "A", VERSION, VERSION)
            for pt in pts
        ],
    }


def _make_groupings(groups: Sequence[str]) -> tuple[list[_Node], list[_Node], list[_Node]]:
    socs = [_Node(f"91{n:06d}", f"Synthetic {group} effects") for n, group in enumerate(groups)]
    hlgts = [_Node(f"92{n:06d}", f"{soc.name}, all", (soc,)) for n, soc in enumerate(socs)]
    hlts = [
        _Node(f"93{n * HLTS_PER_GROUP + part:06d}", f"{hlgt.name}, part {part + 1}", (hlgt,))
        for n, hlgt in enumerate(hlgts)
        for part in range(HLTS_PER_GROUP)
    ]
    return socs, hlgts, hlts


def _make_pt(number: int, concept: LayConcept, hlts: Sequence[_Node], rng: random.Random) -> _Node:
    own = [each for each in hlts if concept.group in _soc(each).name]
    others = [each for each in hlts if each not in own]
    parents = [rng.choice(own)]
    if others and rng.random() < SECOND_HLT_SHARE:
        parents.append(rng.choice(others))
    return _Node(f"94{number:06d}", concept.en[0].capitalize(), tuple(parents))


def _query(soc: _Node) -> str:
    return f"96{soc.code[2:]}"


def _soc(hlt: _Node) -> _Node:
    return hlt.parents[0].parents[0]


def _llts(pt: _Node, concept: LayConcept, rng: random.Random) -> list[tuple[str, ...]]:
    """The PT itself, its other lay terms, and one that a release withdrew now and then."""
    others = [text.capitalize() for text in (*concept.en[1:], concept.name)]
    names = [pt.name, *dict.fromkeys(name for name in others if name != pt.name)]
    rows: list[tuple[str, ...]] = []
    for place, name in enumerate(names):
        code = pt.code if place == 0 else f"95{pt.code[2:]}{place:02d}"
        current = "N" if place and rng.random() < NON_CURRENT_SHARE else "Y"
        rows.append((code, name, pt.code, "", "", "", "", "", "", current, ""))
    return rows


def _path(pt: _Node, hlt: _Node) -> tuple[str, ...]:
    hlgt, soc = hlt.parents[0], _soc(hlt)
    primary = _soc(pt.parents[0])
    flag = "Y" if hlt is pt.parents[0] else "N"
    codes = (pt.code, hlt.code, hlgt.code, soc.code)
    names = (pt.name, hlt.name, hlgt.name, soc.name)
    return (*codes, *names, soc.name[:4], "", primary.code, flag)


def _write(path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    text = "".join("$".join(row) + "$\n" for row in rows)
    path.write_text(text, encoding="utf-8", newline="")
