"""The command line. No verb imports Ray, torch or transformers before it needs them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.text import Text

from ray_jobs.commands import (
    bundle,
    compare,
    data,
    demo,
    doctor,
    drugs,
    evaluate,
    extract,
    keys,
    link,
    predict,
    pretrain,
    score,
    serve,
    terminology,
    train,
    tune,
)
from ray_jobs.console import notices
from smm4h_core.errors import ConfigError, Smm4hError

app = typer.Typer(
    name="smm4h",
    help="Adverse drug effects in social-media posts: train, score, predict.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo")(demo.demo)
app.command("extract")(extract.extract)
app.command("train")(train.train)
app.command("tune")(tune.tune)
app.command("predict")(predict.predict)
app.command("evaluate")(evaluate.evaluate)
app.command("link")(link.link)
app.command("score")(score.score)
app.command("compare")(compare.compare)
app.command("serve")(serve.serve)
app.add_typer(keys.app, name="keys")
app.add_typer(bundle.app, name="bundle")
app.add_typer(data.app, name="data")
app.add_typer(drugs.app, name="drugs")
app.add_typer(terminology.app, name="terminology")
app.add_typer(pretrain.app, name="pretrain")
app.command("doctor")(doctor.doctor)

_debug = False


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    global _debug
    _debug = debug


def main() -> None:
    """Run a command; exit with 0 done, 1 ran and failed, 2 wrong use."""
    try:
        app()
    except (Smm4hError, OSError) as error:  # OSError: a full disk, a folder that is not ours
        if _debug:
            raise
        notices().print(Text.assemble(("error: ", "bold red"), str(error)))
        sys.exit(2 if isinstance(error, ConfigError) else 1)
    except KeyboardInterrupt:
        sys.exit(130)
