"""``smm4h drugs``: what the drug lexicon knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ray_jobs.console import print_json, results
from smm4h_core.errors import DataError

if TYPE_CHECKING:
    from smm4h_core.drugs.lexicon import Drug, DrugName, Lexicon

app = typer.Typer(help="Look up drugs.", no_args_is_help=True)


@app.callback()
def _drugs() -> None:
    """Keep `lookup` a verb of its own while it is the only one."""


@app.command()
def lookup(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Any name, in English or Russian.")],
    table: Annotated[
        list[Path] | None,
        typer.Option("--table", exists=True, dir_okay=False, help="A table of your own names."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the drug as JSON.")] = False,
) -> None:
    """Say which drug a name stands for: ingredient, SMILES, names; exit 1 where nobody knows it."""
    from smm4h_core.drugs.lexicon import load_lexicon

    lexicon = load_lexicon(table or ())
    drug = lexicon.lookup(name)
    if drug is None:
        raise _unknown(name, lexicon)
    names = sorted(lexicon.names_of(drug.name), key=lambda each: each.name)
    if json:
        print_json(_as_json(drug, names))
        return
    for label, value in _in_rows(drug, names):
        results().out(f"{label:<14}{value}")


def _unknown(name: str, lexicon: Lexicon) -> DataError:
    from smm4h_core.drugs.suggest import suggest_names

    near = [f"{each} ({lexicon.names[each]})" for each in suggest_names(name, lexicon)]
    asked = f"; did you mean {', '.join(near)}?" if near else ""
    return DataError(f"no drug is known as {name!r}{asked}")


def _as_json(drug: Drug, names: list[DrugName]) -> dict[str, Any]:
    listed = [
        {"name": each.name, "lang": each.lang, "kind": each.kind, "source": each.source}
        for each in names
    ]
    return {
        "name": drug.name,
        "smiles": drug.smiles,
        "smiles_source": drug.smiles_source,
        "names": listed,
    }


def _in_rows(drug: Drug, names: list[DrugName]) -> list[tuple[str, str]]:
    rows = [("ingredient", drug.name), ("SMILES", drug.smiles or "none known")]
    if drug.smiles:
        rows.append(("from", drug.smiles_source))
    groups: dict[str, list[str]] = {}
    for each in names:
        groups.setdefault(f"{each.lang or 'any'} {each.kind}", []).append(each.name)
    return rows + [(group, ", ".join(listed)) for group, listed in sorted(groups.items())]
