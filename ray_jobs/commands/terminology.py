"""``smm4h terminology``: what mentions are linked to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ray_jobs.console import print_json, results

app = typer.Typer(help="Build terminologies.", no_args_is_help=True)


@app.callback()
def _terminology() -> None:
    """Keep `build` a verb of its own while it is the only one."""


@app.command()
def build(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A MedDRA ASCII folder, an .obo, a .tsv of terms, or package:name/folder/file.",
        ),
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", dir_okay=False, help="The .parquet to write.")
    ],
    name: Annotated[
        str | None, typer.Option(help="Its name; the release's own if left out.")
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="Its version; the release's own if left out.")
    ] = None,
    lay_terms: Annotated[
        bool, typer.Option("--lay-terms", help="Add our lay terms, whose concepts are the HPO's.")
    ] = False,
    only_lay_concepts: Annotated[
        bool,
        typer.Option("--only-lay-concepts", help="Leave out concepts that no lay term names."),
    ] = False,
    understands: Annotated[
        list[str] | None,
        typer.Option(help="Another system whose codes it takes, by its cross-references: UMLS."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Check a release, by file and line, and write it as one table of concepts and terms."""
    from smm4h_core.errors import ConfigError
    from smm4h_core.link.source import read_terminology
    from smm4h_core.link.terminology import save_terminology

    if out.suffix != ".parquet":
        raise ConfigError(f"OUT: expected a name ending in .parquet, got {out}")
    terminology = read_terminology(
        source,
        name=name,
        version=version,
        lay_terms=lay_terms,
        only_lay_concepts=only_lay_concepts,
        understands=understands or (),
    )
    save_terminology(terminology, out)
    concepts = terminology.concepts.values()
    counts = {
        "concepts": len(concepts),
        "concepts proposed": sum(each.is_proposed for each in concepts),
        "terms": len(terminology.terms),
        "terms proposed": len(terminology.proposed_terms),
    }
    if json:
        print_json({"name": terminology.name, "version": terminology.version, **counts})
        return
    results().out(f"{out}: {terminology.label}")
    for what, count in counts.items():
        results().out(f"{count:>9,} {what}")
