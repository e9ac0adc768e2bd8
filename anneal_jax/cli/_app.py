"""The commands of `anneal`, and how they are listed."""

from typing import Annotated

import typer

from ._bound import bound
from ._compare import compare
from ._convert import convert
from ._cooldown import cooldown
from ._fit import fit
from ._optimize import optimize
from ._plot import plot
from ._predict import predict
from ._read import read
from ._refine import refine
from ._show import show

_PANELS = {
    "Schedules": (show, plot, compare, convert),
    "Runs": (read, fit, predict, cooldown, optimize),
    "Theory": (bound, refine),
}


def _version(wanted: bool) -> None:
    if wanted:
        from .._version import __version__

        print(__version__)
        raise typer.Exit


def _made() -> typer.Typer:
    app = typer.Typer(
        name="anneal",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def anneal(
        version: Annotated[
            bool, typer.Option("--version", callback=_version, is_eager=True, help="And no more.")
        ] = False,
    ) -> None:
        """Learning-rate schedules: show, compare, convert them; predict what they do."""
        del version

    for panel, commands in _PANELS.items():
        for function in commands:
            app.command(rich_help_panel=panel)(function)
    return app


app = _made()
