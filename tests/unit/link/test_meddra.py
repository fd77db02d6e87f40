import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from smm4h_core.errors import DataError
from smm4h_core.link.meddra import SMQ_FILES, WIDTHS, read_meddra
from smm4h_core.link.source import read_terminology
from smm4h_core.link.synthetic import VERSION, write_synthetic_release
from smm4h_core.link.terminology import Terminology

Break = Callable[[str, str, str], Path]


def cells(folder: Path, name: str) -> list[list[str]]:
    return [line.split("$") for line in (folder / name).read_text("utf-8").splitlines()]


@pytest.fixture
def break_line(tmp_path: Path, release: Path) -> Break:
    """Copies the release and replaces text on line 3 of one file."""

    def change(name: str, old: str, new: str) -> Path:
        folder = tmp_path / "broken"
        shutil.copytree(release, folder)
        lines = (folder / name).read_text("utf-8").splitlines(keepends=True)
        assert old in lines[2]
        lines[2] = lines[2].replace(old, new, 1)
        (folder / name).write_text("".join(lines), "utf-8")
        return folder

    return change


def test_synthetic_release_has_every_file_and_the_promised_size(release: Path) -> None:
    assert {path.name for path in release.iterdir()} == {*WIDTHS, "meddra_release.asc"}
    assert len(cells(release, "llt.asc")) >= 300
    assert len(cells(release, "pt.asc")) >= 120
    codes = [row[0] for name in ("llt.asc", "pt.asc") for row in cells(release, name)]
    assert {code[0] for code in codes} == {"9"}  # MedDRA's own begin with 1


def test_synthetic_release_is_the_same_on_every_draw(tmp_path: Path, release: Path) -> None:
    write_synthetic_release(tmp_path / "again")
    write_synthetic_release(tmp_path / "other", seed=1)
    for name in WIDTHS:
        assert (tmp_path / "again" / name).read_bytes() == (release / name).read_bytes()
    assert (tmp_path / "other" / "pt.asc").read_bytes() != (release / "pt.asc").read_bytes()


def test_synthetic_release_overwrites_nothing(release: Path) -> None:
    with pytest.raises(DataError, match="expected a new or empty folder"):
        write_synthetic_release(release)


def test_meddra_maps_every_llt_to_its_pt(release: Path, synthetic: Terminology) -> None:
    llts = cells(release, "llt.asc")
    assert [synthetic.concept(row[0]).concept_id for row in llts] == [row[2] for row in llts]
    assert {synthetic.concept(row[0]).level for row in llts} == {"PT"}


def test_meddra_keeps_llts_that_are_not_current_and_never_proposes_them(
    release: Path, synthetic: Terminology
) -> None:
    withdrawn = {row[0] for row in cells(release, "llt.asc") if row[9] == "N"}
    assert len(withdrawn) > 10
    assert withdrawn <= synthetic.concept_of_code.keys()
    assert withdrawn.isdisjoint(each.code for each in synthetic.proposed_terms)


def test_meddra_proposes_pts_alone(synthetic: Terminology) -> None:
    proposed = {each.concept_id for each in synthetic.proposed_terms}
    assert {synthetic.concepts[each].level for each in proposed} == {"PT"}
    assert {each.level for each in synthetic.concepts.values()} == {"PT", "HLT", "HLGT", "SOC"}


def test_meddra_gives_each_pt_its_primary_soc(release: Path, synthetic: Terminology) -> None:
    primary = {row[0]: row[3] for row in cells(release, "mdhier.asc") if row[11] == "Y"}
    first_hlt = {row[0]: row[1] for row in cells(release, "mdhier.asc") if row[11] == "Y"}
    several = 0
    for code, soc in primary.items():
        concept = synthetic.concepts[code]
        assert (concept.group, concept.parents[0]) == (soc, first_hlt[code])
        assert soc in {each.concept_id for each in synthetic.ancestors(code)}
        several += len(concept.parents) > 1
    assert several > 5


def test_meddra_takes_its_version_from_the_release(release: Path, synthetic: Terminology) -> None:
    assert synthetic.label == f"meddra@{VERSION}"
    assert read_terminology(str(release), version="27.0").label == "meddra@27.0"


@pytest.mark.parametrize("name", sorted(WIDTHS.keys() - set(SMQ_FILES)))
def test_meddra_refuses_a_release_without_one_of_its_files(
    name: str, tmp_path: Path, release: Path
) -> None:
    shutil.copytree(release, tmp_path / "broken")
    (tmp_path / "broken" / name).unlink()
    with pytest.raises(DataError, match=f"{name}: expected a file of the release, got nothing"):
        list(read_meddra(tmp_path / "broken"))


@pytest.mark.parametrize("name", sorted(WIDTHS))
def test_meddra_refuses_a_line_of_another_width(name: str, break_line: Break) -> None:
    folder = break_line(name, "$", "")
    with pytest.raises(DataError, match=rf"{name}:3: expected {WIDTHS[name]} columns"):
        list(read_meddra(folder))


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("pt.asc", "94000002", "94000001", r"pt\.asc:3: expected code 94000001 once"),
        ("pt.asc", "94000002", "", r"pt\.asc:3: expected a code"),
        ("llt.asc", "$94000", "$99000", r"llt\.asc:3: expected a PT of pt\.asc, got '99000"),
        ("llt.asc", "$Y$", "$y$", r"llt\.asc:3: expected Y or N as llt_currency, got 'y'"),
        ("hlt_pt.asc", "93", "99", r"hlt_pt\.asc:3: expected a HLT of hlt\.asc"),
        ("mdhier.asc", "$Y$", "$N$", r"pt\.asc:\d+: expected a primary path"),
        ("mdhier.asc", "$Y$", "$Z$", r"mdhier\.asc:3: expected Y or N as primary_soc_fg"),
        ("mdhier.asc", "94000002$93", "94000002$99", r"mdhier\.asc:3: expected a HLT"),
        ("mdhier.asc", "$92", "$99", r"mdhier\.asc:3: expected a HLGT of hlgt\.asc"),
        ("mdhier.asc", "$92000013", "$92000001", r"expected a HLGT of 93\d+ as hlgt_hlt\.asc"),
        ("mdhier.asc", ", all$", ", none$", r"mdhier\.asc:3: expected '.*, all' as hlgt\.asc"),
        ("smq_list.asc", "96000002", "96000001", r"smq_list\.asc:3: expected code 96000001 once"),
        ("smq_content.asc", "94", "99", r"smq_content\.asc:3: expected a PT of pt\.asc, got '99"),
        ("smq_content.asc", "$4$", "$9$", r"smq_content\.asc:3: expected a term_level among 0, 4"),
        ("intl_ord.asc", "91000002", "91000001", r"soc\.asc:2: expected SOC 91000001 once"),
    ],
)
def test_meddra_refuses_broken_lines_by_file_and_line(
    name: str, old: str, new: str, message: str, break_line: Break
) -> None:
    folder = break_line(name, old, new)
    with pytest.raises(DataError, match=message):
        list(read_meddra(folder))


def test_meddra_refuses_what_is_not_utf8(tmp_path: Path, release: Path) -> None:
    shutil.copytree(release, tmp_path / "broken")
    with (tmp_path / "broken" / "hlt.asc").open("ab") as stream:
        stream.write(b"93999999$caf\xe9$$$$$$$$\n")
    with pytest.raises(DataError, match=r"hlt\.asc:\d+: expected UTF-8, got byte 0xe9"):
        list(read_meddra(tmp_path / "broken"))
