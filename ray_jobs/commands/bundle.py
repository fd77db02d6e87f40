"""``smm4h bundle``: look at a bundle, and make sure that it is what was written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ray_jobs.commands.bundle_argument import BundleArgument, bundle_folder
from ray_jobs.commands.tables import print_table
from ray_jobs.console import print_json, results
from smm4h_core.measures import shown_measures

app = typer.Typer(help="Join, update, show and verify bundles.", no_args_is_help=True)


@app.command()
def build(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The bundle to write.")],
    classifier: Annotated[
        list[Path] | None,
        typer.Option(metavar="BUNDLE", parser=bundle_folder, help="Take its classifier."),
    ] = None,
    extractor: Annotated[
        list[Path] | None,
        typer.Option(metavar="BUNDLE", parser=bundle_folder, help="Take its extractor."),
    ] = None,
    linker: Annotated[
        list[Path] | None,
        typer.Option(metavar="BUNDLE", parser=bundle_folder, help="Take its linker."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Its name; that of the folder OUT if left out.")
    ] = None,
    version: Annotated[str, typer.Option(help="Its version.")] = "1",
) -> None:
    """Join parts of several bundles into one; an option again adds a part for other languages."""
    from smm4h_core.bundle_build import join_bundles

    given = {"classifier": classifier, "extractor": extractor, "linker": linker}
    sources = [(part, path) for part, paths in given.items() for path in paths or ()]
    manifest = join_bundles(sources, name=name or out.resolve().name, version=version, folder=out)
    languages = ", ".join(manifest["languages"])
    results().print(
        f"{out}: {manifest['name']}@{manifest['version']}: {', '.join(manifest['parts'])}; "
        f"languages: {languages}",
        markup=False,
    )


@app.command()
def update(
    bundle: BundleArgument,
    source: Annotated[
        str,
        typer.Argument(metavar="SOURCE", help="The release, as `smm4h terminology build` takes."),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The bundle to write.")],
    version: Annotated[str, typer.Option(help="The new bundle's version.")],
    release: Annotated[
        str | None, typer.Option(help="The release's version; its own if left out.")
    ] = None,
    terminology: Annotated[
        str | None, typer.Option(help="The terminology's name; the release's own if left out.")
    ] = None,
    lay_terms: Annotated[
        bool, typer.Option("--lay-terms", help="Add our lay terms, whose concepts are the HPO's.")
    ] = False,
) -> None:
    """Let the linkers know a new release of their terminology; only new terms are encoded."""
    from smm4h_core.bundle_build import update_bundle
    from smm4h_core.encoders.precision import choose_device
    from smm4h_core.link.source import read_terminology

    read = read_terminology(source, name=terminology, version=release, lay_terms=lay_terms)
    device = choose_device()
    changes = update_bundle(bundle, read, version=version, folder=out, device=device)
    for part, change in changes.items():
        results().print(
            f"{out}: {part} knows {read.label}: {change.num_added:,} terms added, "
            f"{change.num_removed:,} removed, {change.num_encoded:,} encoded",
            markup=False,
        )


@app.command()
def show(
    bundle: BundleArgument,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Say what a bundle is: its encoder, members, rule, scores and size."""
    from smm4h_core.bundle import read_manifest

    summary = _summarise(read_manifest(bundle))
    if json:
        print_json(summary)
        return
    rows = [(name, _in_words(value)) for name, value in summary.items() if name != "parts"]
    for name, part in summary["parts"].items():
        facts = ((fact, value) for fact, value in part.items() if fact != "scores")
        rows += [(f"{name}: {fact}", _in_words(value)) for fact, value in facts]
        for split, score in part["scores"].items():
            rows += [(f"{name}: {split}", measure.words) for measure in shown_measures(score)]
    print_table(rows, num_left=2)


@app.command()
def verify(bundle: BundleArgument) -> None:
    """Compare every file with the manifest's size and sha256; exit 1 where one differs."""
    from smm4h_core.bundle import verify_bundle

    manifest = verify_bundle(bundle)
    name, version = manifest["name"], manifest["version"]
    results().print(f"{name}@{version}: {len(manifest['files'])} files as they were written")


def _summarise(manifest: dict[str, Any]) -> dict[str, Any]:
    files = manifest["files"]
    return {
        "name": manifest["name"],
        "version": manifest["version"],
        "languages": manifest["languages"],
        "created": manifest["created"],
        "packages": manifest["packages"],
        "files": len(files),
        "bytes": sum(described["size"] for described in files.values()),
        "parts": {name: _summarise_part(part) for name, part in manifest["parts"].items()},
    }


def _summarise_part(part: dict[str, Any]) -> dict[str, Any]:
    config = part["configuration"]
    return {
        "task": part["task"],
        "encoder": config["encoder"]["uri"],
        "seeds": config["ensemble"]["seeds"],
        "folds": config["data"]["folds"],
        "rule": part["rule"],
        "scores": part["scores"],
    }


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_in_words(part)}" for name, part in value.items())
    if isinstance(value, list):
        return " ".join(map(_in_words, value))
    return f"{value:,}" if isinstance(value, int) else str(value)
