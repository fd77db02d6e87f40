"""``smm4h keys``: who may use a service. A key is shown once and kept as a digest alone."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, cast

import typer

from ray_jobs.commands.tables import print_table
from ray_jobs.console import print_json, results
from smm4h_core.access_keys import Scope, add_key, read_keys, revoke_key

app = typer.Typer(help="Add, list and revoke keys of a service.", no_args_is_help=True)

File = Annotated[Path, typer.Option("--keys", metavar="FILE", help="The file of keys.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is.")]


@app.command()
def add(
    name: Name,
    keys: File = Path("keys.json"),
    scope: Annotated[
        list[str] | None, typer.Option(help="What it allows; again for more. [predict]")
    ] = None,
) -> None:
    """Make a key and print it; it cannot be shown again."""
    results().print(
        add_key(keys, name, [cast("Scope", each) for each in scope or ["predict"]]), markup=False
    )


@app.command("list")
def list_keys(
    keys: File = Path("keys.json"),
    json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the keys: names, scopes, dates."""
    found = read_keys(keys)
    if json:
        told = [asdict(key) for key in found]
        print_json([{k: v for k, v in each.items() if k != "sha256"} for each in told])
        return
    print_table([(key.name, " ".join(key.scopes), key.created) for key in found], num_left=3)


@app.command()
def revoke(name: Name, keys: File = Path("keys.json")) -> None:
    """Forget a key; a running service stops taking it at once."""
    revoke_key(keys, name)
    results().print(f"{keys}: {name}'s key is revoked", markup=False)
