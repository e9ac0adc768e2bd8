"""What a sweep returns: a table, the curves, the best plan, a picture."""

import dataclasses
from typing import Any

import numpy as np

from .engine._plans import Group


@dataclasses.dataclass(frozen=True)
class SweepResult:
    """The outcome of `sweep`.

    Attributes:
      table: columns by name, one entry for each member: `plan` (its place in the population),
        what tells plans apart, `seed`, `steps` (trained), `status` ("finished", "stopped" by
        halving, "diverged", "interrupted") and `final_loss` (the held-out loss of `evaluate`, or
        the mean training loss of the last steps).
      curves: float32[members, steps], the loss of every step; NaN where there was none.
      states: the final states of the members in `kept`, stacked; None without `keep`.
      kept: the rows of the table that `states` belong to, best first.
      note: one line on how it ran.
    """

    table: dict[str, np.ndarray]
    curves: np.ndarray
    states: Any
    kept: np.ndarray
    note: str
    groups: tuple[Group, ...] = dataclasses.field(repr=False)

    @property
    def best(self) -> int:
        """The plan with the lowest final loss, its mean over seeds.

        Of those that finished; if none has, of those that trained longest.
        """
        order = self.ranking()
        return int(order[0])

    def ranking(self) -> np.ndarray:
        """Plans, best first: those that trained longer before those that stopped early."""
        plans, final = self.table["plan"], self.table["final_loss"]
        unique = np.unique(plans)
        means = np.array([_mean(final[plans == p]) for p in unique])
        status = self.table["status"]
        steps = np.array([_lasting(self.table["steps"], status, plans == p) for p in unique])
        return unique[np.lexsort((means, -steps))]

    def plan(self, index: int | None = None) -> Any:
        """The plan of that number, by default the best one."""
        index = self.best if index is None else index
        group = next(g for g in self.groups if index in g.places)
        return group.plan(index)

    def row(self, plan: int | None = None) -> dict[str, Any]:
        """What the table says of a plan (by default the best), its final loss a mean over seeds."""
        plan = self.best if plan is None else plan
        rows = np.flatnonzero(self.table["plan"] == plan)
        row = {name: column[rows].tolist()[0] for name, column in self.table.items()}
        return row | {"final_loss": _mean(self.table["final_loss"][rows]), "seeds": len(rows)}

    def to_pandas(self) -> Any:
        """The table as a `pandas.DataFrame`."""
        import pandas as pd

        return pd.DataFrame({k: list(v) if v.ndim > 1 else v for k, v in self.table.items()})

    def plot(self, ax: Any = None, *, smooth: int = 1) -> Any:
        """Curves of all members, the best plan's on top.

        Args:
          ax: matplotlib axes; by default new ones.
          smooth: steps to average over.

        Returns:
          The axes.
        """
        import matplotlib.pyplot as plt

        ax = plt.subplots()[1] if ax is None else ax
        best = self.best
        kernel = np.ones(smooth) / smooth
        for plan, curve in zip(self.table["plan"], self.curves, strict=True):
            shown = np.convolve(curve, kernel, "valid") if smooth > 1 else curve
            top = plan == best
            style = {"color": "C3", "lw": 1.5, "zorder": 3} if top else {"color": "0.6", "lw": 0.5}
            ax.plot(np.arange(len(shown)) + smooth, shown, **style)
        ax.set(xlabel="step", ylabel="loss", title=f"best: {self._words(best)}")
        return ax

    def __repr__(self) -> str:
        lines = [f"SweepResult: {self.note}"]
        for plan in self.ranking()[:5]:
            row = self.row(int(plan))
            lines.append(f"  {row['final_loss']:.4g} {row['status']}: {self._words(int(plan))}")
        rest = len(np.unique(self.table["plan"])) - 5
        return "\n".join([*lines, *([f"  and {rest} more"] if rest > 0 else [])])

    def _words(self, plan: int) -> str:
        fixed = {"plan", "seed", "steps", "status", "final_loss"}
        row = self.row(plan)
        told = [f"{k} {_short(v)}" for k, v in row.items() if k not in fixed and k != "seeds"]
        return ", ".join([f"plan {plan}", *told])


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
