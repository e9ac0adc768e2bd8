"""What a sweep returns: a table, the curves, the best plan, a picture."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from .. import _checks, _deprecated
from ._columns import FIXED
from ._options import Options, Roster
from ._sweep_picture import drawn, drawn_curves, varied_numbers
from .engine import PlanLike, PlanStack, Record, lowest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclasses.dataclass(frozen=True)
class SweepResult:
    """The outcome of `sweep`.

    The best plan is the one of lowest final loss, its mean over seeds, of those that finished; if
    none has, of those that trained longest.

    Attributes:
      table: columns by name, arrays with one entry for each member: `plan` (index of its plan),
        the labels of the plan, `seed`, `steps` (trained), `status` ("finished", "stopped" by
        halving, "diverged", "interrupted") and `final_loss` (the score of `evaluate`, or the mean
        training loss of the last steps).
      curves: float32[members, steps], the training loss of every step; NaN where none was taken.
      states: final states of the members in `kept`, stacked; None without `keep`.
      kept: int[keep], rows of the table that `states` belong to, best first.
      note: one line on time, members at a time, and memory.
    """

    table: dict[str, np.ndarray]
    curves: np.ndarray
    states: PyTree
    kept: np.ndarray
    note: str
    _stacks: tuple[PlanStack, ...] = dataclasses.field(repr=False)

    @property
    def best_index(self) -> int:
        """Index of the best plan."""
        return int(self.ranking()[0])

    @property
    def best_plan(self) -> PlanLike:
        """The best plan: a schedule, or a dictionary of schedules and numbers."""
        return self.plan(self.best_index)

    @property
    def best_loss(self) -> float:
        """Final loss of the best plan, its mean over seeds."""
        return self.row()["final_loss"]

    @property
    def best_hyperparams(self) -> dict[str, Any]:
        """Labels of the best plan, by name."""
        return self.hyperparams(self.best_index)

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C, or the end of the batches, ended it."""
        return bool((self.table["status"] == "interrupted").any())

    @property
    def best(self) -> int:
        """The former name of `best_index`."""
        _deprecated.warn("SweepResult.best", "SweepResult.best_index")
        return self.best_index

    def ranking(self) -> np.ndarray:
        """int[plans], indices of the plans, best first; those that trained longer come first."""
        plans, final = self.table["plan"], self.table["final_loss"]
        unique = np.unique(plans)
        means = np.array([_mean(final[plans == p]) for p in unique])
        status = self.table["status"]
        steps = np.array([_lasting(self.table["steps"], status, plans == p) for p in unique])
        return unique[np.lexsort((means, -steps))]

    def plan(self, index: int | None = None) -> PlanLike:
        """One plan.

        Args:
          index: its index, as in the column `plan` of the table.

        Returns:
          The schedule, or the dictionary of schedules and numbers.

        Raises:
          ValueError: if there is no such plan.
        """
        if index is None:
            _deprecated.warn("SweepResult.plan()", "SweepResult.best_plan")
            return self.best_plan
        self._check_index(index)
        return next(s for s in self._stacks if index in s.places).plan(index)

    def hyperparams(self, index: int) -> dict[str, Any]:
        """Labels of one plan, by name; `index` as for `plan`."""
        row = self.row(index)
        return {name: row[name] for name in self.table if name not in FIXED}

    def row(self, plan: int | None = None) -> dict[str, Any]:
        """What the table says of one plan.

        Args:
          plan: its index; by default the best one's.

        Returns:
          The value of each column for its first seed, but the mean of the final loss over seeds;
          and the number of `seeds`.
        """
        plan = self.best_index if plan is None else plan
        self._check_index(plan)
        rows = np.flatnonzero(self.table["plan"] == plan)
        row = {name: column[rows].tolist()[0] for name, column in self.table.items()}
        return row | {"final_loss": _mean(self.table["final_loss"][rows]), "seeds": len(rows)}

    def to_pandas(self) -> "pd.DataFrame":
        """The table as a `pandas.DataFrame`."""
        import pandas as pd

        return pd.DataFrame({k: list(v) if v.ndim > 1 else v for k, v in self.table.items()})

    def plot(
        self, ax: "Axes | None" = None, *, x: str | None = None, smooth: int | None = None
    ) -> "Axes":
        """Final losses over the number that varied; the curves, where there is none.

        A mark is a plan, the mean of its seeds; a bar spans them. Where a second number varied,
        plans of equal ones have a colour and a line. Plans far beyond the others, and those that
        diverged, lie on the upper edge.

        Args:
          ax: matplotlib axes; by default new ones.
          x: column that varied; by default the first one of numbers.
          smooth: former argument, now of `plot_curves`.

        Returns:
          The axes.

        Raises:
          ValueError: if `x` is no column of numbers that differ.
        """
        if smooth is not None:
            _deprecated.warn("SweepResult.plot(smooth=...)", "SweepResult.plot_curves(smooth=...)")
            return self.plot_curves(ax, smooth=smooth)
        varied = varied_numbers(self.table, FIXED)
        if x is not None:
            _checks.nearest("SweepResult.plot", "x", x, varied)
        if not varied:
            return self.plot_curves(ax)
        varied.sort(key="group".__eq__)  # a number that stands for a structure comes last
        x = varied[0] if x is None else x
        others = [name for name in varied if name != x]
        second = "group" if "group" in others else next(iter(others), None)
        ranked = [int(p) for p in self.ranking()]
        return drawn(self.table, ranked, x, second, f"best: {self._words(ranked[0])}", ax)

    def plot_curves(self, ax: "Axes | None" = None, *, smooth: int = 1) -> "Axes":
        """The training losses of all members, those of the best plan on top.

        Args:
          ax: matplotlib axes; by default new ones.
          smooth: number of steps over which losses are averaged.

        Returns:
          The axes.
        """
        _checks.steps("SweepResult.plot_curves", "smooth", smooth, least=1, remedy="count steps")
        best = self.best_index
        title = f"best: {self._words(best)}"
        return drawn_curves(self.curves, self.table["plan"] == best, smooth, title, ax)

    def __repr__(self) -> str:
        lines = [f"SweepResult: {self.note}"]
        for plan in self.ranking()[:5]:
            row = self.row(int(plan))
            lines.append(f"  {row['final_loss']:.4g} {row['status']}: {self._words(int(plan))}")
        rest = len(np.unique(self.table["plan"])) - 5
        return "\n".join([*lines, *([f"  and {rest} more"] if rest > 0 else [])])

    def _check_index(self, index: Any) -> None:
        plans = np.unique(self.table["plan"])
        whole = isinstance(index, int | np.integer) and not isinstance(index, bool)
        if not whole or index not in plans:
            rule = f"the index of one of {len(plans)} plans, from 0"
            _checks.fail("SweepResult", "plan", rule, index, "take one of the table's")

    def _words(self, plan: int) -> str:
        told = [f"{name} {_short(x)}" for name, x in self.hyperparams(plan).items()]
        return ", ".join([f"plan {plan}", *told])


def result_of(
    record: Record,
    roster: Roster,
    columns: Mapping[str, np.ndarray],
    kept: Sequence[tuple[np.ndarray, PyTree]],
    options: Options,
    note: str,
) -> SweepResult:
    """What is known of a population, as a table; the best of the states that were kept."""
    seeds, plans = len(roster.seed), len(roster.end)
    status, final = record.outcome(options.last(int(roster.end.max())))
    table = {
        "plan": np.repeat(np.arange(plans), seeds),
        **{name: np.repeat(x, seeds, axis=0) for name, x in columns.items()},
        "seed": np.tile(roster.seed, plans),
        "steps": record.steps,
        "status": status,
        "final_loss": final,
    }
    ids, states = np.zeros(0, int), None
    if kept:
        ids = np.concatenate([i for i, _ in kept])
        best = lowest(final[ids], options.keep)
        ids = ids[best]
        states = jax.tree.map(lambda *xs: jnp.concatenate(xs)[best], *(s for _, s in kept))
    return SweepResult(table, record.losses, states, ids, note, tuple(roster.stacks))


def _mean(values: np.ndarray) -> float:
    """The mean; infinite if one of them is not there."""
    return float(np.nan_to_num(values, nan=np.inf).mean())


def _lasting(steps: np.ndarray, status: np.ndarray, rows: np.ndarray) -> int:
    """Steps that count in a ranking: all finished plans are equal, whatever their length."""
    status = status[rows]
    if (status == "diverged").any():
        return -1
    return 2**31 if (status == "finished").all() else int(steps[rows].min())


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
