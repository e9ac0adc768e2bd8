"""The options that commands share, and the horizon that they say."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from .. import laws
    from .._horizon import Horizon

Spec = Annotated[
    str,
    typer.Argument(
        metavar="SPEC",
        help="A config file (.json, .toml; - for the standard input) or an expression, such as "
        "'warmup_cosine(3e-4, 5%, 100%)'.",
        show_default=False,
    ),
]
Specs = Annotated[list[str], typer.Argument(metavar="SPEC...", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Total = Annotated[
    str | None,
    typer.Option(
        metavar="LENGTH",
        help="Length of training: 10000 (steps), 3ep, 2Btok; needed where SPEC has units.",
    ),
]
Examples = Annotated[int | None, typer.Option(help="Examples in an epoch.")]
Batch = Annotated[int | None, typer.Option(help="Examples in a batch.")]
Tokens = Annotated[int | None, typer.Option("--tokens-per-example", help="Tokens in an example.")]
Fit = Annotated[
    str,
    typer.Argument(metavar="FIT", help="A file that `anneal fit -o` wrote.", show_default=False),
]

Peak = Annotated[float, typer.Option(help="The largest rate.", show_default=False)]
Length = Annotated[str, typer.Option("--total", help="Steps of the run.", show_default=False)]
Warmup = Annotated[str, typer.Option(help="Steps of the warmup, or 5%.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write it to this file, as JSON.")
]


def horizon_of(
    total: str | None, examples: int | None, batch: int | None, tokens: int | None
) -> "Horizon | None":
    """The horizon of these options; None without a total."""
    from .. import _checks
    from .._horizon import Horizon

    if total is None:
        sizes = {"--examples": examples, "--batch": batch, "--tokens-per-example": tokens}
        for name, size in sizes.items():
            if size is not None:
                remedy = "add --total, such as 10000 or 3ep"
                _checks.fail(name, "the length of training", "given beside it", None, remedy)
        return None
    length = int(total) if total.strip().isdecimal() else total
    return Horizon(length, examples_per_epoch=examples, batch_size=batch, tokens_per_example=tokens)


def in_steps(horizon: "Horizon | None") -> Callable[[str], int]:
    """What reads durations: the horizon, or what says that it is missing."""
    if horizon is not None:
        return horizon

    def missing(duration: str) -> int:
        remedy = "add it, such as --total 10000 or --total 3ep"
        raise ValueError(f"--total must be given to read {duration[:40]!r} in steps; {remedy}.")

    return missing


def steps_of(horizon: "Horizon | None", duration: str) -> int:
    """A duration of the command line: a bare number counts steps."""
    plain = duration.strip()
    return int(plain) if plain.isdecimal() else in_steps(horizon)(duration)


def loaded_fit(path: str) -> "laws.Fit":
    """A fit, or one sentence."""
    from ..laws import load_fit

    if not Path(path).is_file():
        raise ValueError(f"{path}: there is no such file; anneal fit RUNS -o {path} writes it.")
    try:
        return load_fit(path)
    except (KeyError, UnicodeDecodeError, json.JSONDecodeError):
        raise ValueError(f"{path}: this must be a file that anneal fit -o wrote.") from None


def write_config(path: Path, config: dict[str, Any]) -> None:
    """A schedule's config as a JSON file, which SPEC can name."""
    path.write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
