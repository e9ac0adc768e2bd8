"""`anneal fit`: a law fitted to the logs of runs."""

from pathlib import Path
from typing import Annotated

import typer

from . import _options as options
from ._report import command, emit, facts

_LAWS = {
    "multi-power": "MultiPowerLaw",
    "momentum": "MomentumLaw",
    "functional": "FunctionalScalingLaw",
    "level": "LevelLaw",
}


@command
def fit(
    runs: Annotated[list[Path], typer.Argument(metavar="RUNS...", show_default=False)],
    output: options.Output = None,
    law: Annotated[str, typer.Option(help=f"{', '.join(_LAWS)}, or best of them.")] = "multi-power",
    members: Annotated[int, typer.Option(help="Laws drawn for intervals.")] = 32,
    seed: int = 0,
    as_json: options.Json = False,
) -> None:
    """Fit a law to logs of runs, and save it for `predict`, `cooldown` and `optimize`.

    anneal fit run1.csv run2.csv -o fit.json
    """
    from .. import _checks, laws

    _checks.nearest("fit", "--law", law, (*_LAWS, "best"))
    logs = [laws.read_log(path) for path in runs]
    if law == "best":
        found = laws.select([getattr(laws, name) for name in _LAWS.values()], logs)[0]
    else:
        found = laws.fit(getattr(laws, _LAWS[law]), logs, members=members, seed=seed)
    if output is not None:
        found.save(output)
    data = {
        "law": type(found.law).__name__,
        "parameters": {name: float(value) for name, value in vars(found.law).items()},
        "error": found.error,
        "held_out": found.held_out,
        "converged": bool(found.converged),
        "file": None if output is None else str(output),
    }
    pairs = {"law": data["law"]} | data["parameters"]
    pairs |= {"mean error": f"{found.error:.2%}", "left out of a fit": f"{found.held_out:.2%}"}
    pairs |= {"saved as": data["file"]}
    emit(data, as_json, lambda console: facts(console, pairs))
