"""What the tests of the examples share: small runs, and refusals."""

import io
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure


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
