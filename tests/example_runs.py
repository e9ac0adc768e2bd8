"""What the tests of the examples share: small runs, and refusals."""

import csv
import io
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# A tiny run of the transformer that is interrupted and resumed. Dropout draws by the step, too.
TINY_RESUMED = {
    "width": 16,
    "heads": 2,
    "blocks": 1,
    "block_size": 8,
    "batch_size": 8,
    "steps": 60,
    "steps_per_dispatch": 10,
    "peak": 2e-2,
    "dropout": 0.1,
    "sample_length": 0,
    "evaluate_every": "20steps",
    "checkpoint_every": "10steps",
    "keep": 0,
}


def command(**options: object) -> list[str]:
    """The command line with these options; none shows a progress bar that has one."""
    shown = [name for name in ("progress",) if options.pop(name, True) is False]
    given = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    return [*given, *(f"--no-{name}" for name in shown)]


class Finished(NamedTuple):
    """A run: what it printed, the calls that were looked at, and the figures that it saved."""

    printed: str
    calls: dict[str, tuple[tuple[Any, ...], Any]]  # arguments and result
    figures: list[Figure]


def finish(example: ModuleType, arguments: list[str], *looked_at: str) -> Finished:
    """Run an example's `main`, looking at these functions of its module."""
    calls: dict[str, tuple[tuple[Any, ...], Any]] = {}
    figures: list[Figure] = []
    save = Figure.savefig

    def saving(figure: Figure, path: Path) -> None:
        figures.append(figure)
        save(figure, path)

    def noting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*given: Any) -> Any:
            calls[name] = given, function(*given)
            return calls[name][1]

        return noted

    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as printed:
        patch.setattr(Figure, "savefig", saving)
        for name in looked_at:
            patch.setattr(example, name, noting(name, getattr(example, name)))
        assert example.main(arguments) == 0
    for figure in figures:
        no_legend_lies_on_a_curve(figure)
    return Finished(printed.getvalue(), calls, figures)


def no_legend_lies_on_a_curve(figure: Figure) -> None:
    """Every panel that has a legend has it outside: within, curves may run anywhere."""
    legends = [(axes, legend) for axes in figure.axes if (legend := axes.get_legend())]
    assert legends
    for axes, legend in legends:
        frame, panel = legend.get_window_extent(), axes.get_window_extent()
        assert frame.y0 > panel.y1 - 5  # pixels, of the frame's padding
        assert figure.bbox.x0 <= frame.x0 < frame.x1 <= figure.bbox.x1


def colors(axes: Axes) -> dict[str, Any]:
    """The colour of each entry of a panel's legend."""
    legend = axes.get_legend()
    lines = zip(legend.get_texts(), axes.get_legend_handles_labels()[0], strict=True)
    return {text.get_text(): getattr(h, "lines", [h])[0].get_color() for text, h in lines}


def refusal(
    main: Callable[[Sequence[str]], int], arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> str:
    """What a command line prints for bad options: it must be one sentence, and exit with 2."""
    assert main(arguments) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: ")
    assert printed.count("\n") == 1
    return printed


def check_same(one: Path, other: Path) -> None:
    """Two runs of the transformer have logged the same and end in the same state, bit for bit."""
    logs = [log(out) for out in (one, other)]
    for rows in logs:
        for row in rows:
            del row["tokens_per_second"]
    assert logs[0] == logs[1]
    (step, state), (other_step, other_state) = map(last_state, (one, other))
    assert step == other_step == len(logs[0])
    assert jax.tree.structure(state) == jax.tree.structure(other_state)
    for x, y in zip(jax.tree.leaves(state), jax.tree.leaves(other_state), strict=True):
        np.testing.assert_array_equal(x, y, strict=True)


def log(out: Path) -> list[dict[str, str]]:
    with (out / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def last_state(out: Path) -> tuple[int, Any]:
    """The step of the last checkpoint, and what is in it as plain arrays."""
    step = max(int(path.name) for path in (out / "checkpoints").glob("*"))
    with ocp.PyTreeCheckpointer() as reader, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sharding info not provided")  # as on this very device
        return step, reader.restore((out / "checkpoints" / str(step) / "state").absolute())
