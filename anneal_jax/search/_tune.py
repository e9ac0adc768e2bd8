"""Searching a space: an engine proposes, a sweep trains what it proposes side by side."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _checks
from ._ask import OWNER, Outcome, asker_of
from ._halving import Halving
from ._result import SweepResult
from ._space import Space
from ._sweep import Compiled, sweep
from .engine._training import Training

if TYPE_CHECKING:
    import optuna


@dataclasses.dataclass(frozen=True)
class TuneResult:
    """The outcome of `tune`.

    Attributes:
      table: columns by name, an entry for each set of parameters that was trained in this call:
        the parameters, `steps`, `status` and `final_loss` (as in `SweepResult`, means over seeds).
      best: the parameters with the lowest final loss of all that finished; with a study, of all
        its trials, those of earlier calls too. None if none has finished.
      best_loss: their final loss.
      plan: the plan made from them.
      interrupted: whether Ctrl-C ended it.
    """

    table: dict[str, np.ndarray]
    best: dict[str, Any] | None
    best_loss: float
    plan: Any
    interrupted: bool

    def to_pandas(self) -> Any:
        """The table as a `pandas.DataFrame`."""
        import pandas as pd

        return pd.DataFrame(self.table)


def tune(
    training: Training,
    make: Callable[..., Any],
    space: Space | Sequence[Mapping[str, Any]],
    batches: Any,
    *,
    trials: int | None = None,
    population: int = 16,
    study: "optuna.Study | None" = None,
    seed: int = 0,
    halving: Halving | None = None,
    progress: bool = True,
    **options: Any,
) -> TuneResult:
    """Search the numbers of a schedule, a population at a time.

    Without a `study`: at random, or exactly the parameters of a list such as `grid` returns. With
    one, its sampler (`optuna.samplers`) proposes `population` sets of parameters, one sweep trains
    them side by side, and their losses are told to it. The program is compiled once for all.

    A study with a storage outlives the process: call again with the same study, and `trials`
    counts what was there. Trials that were in training when the process died are told failed and
    trained again, as are any that run: one process at a time may search with a study. Those that
    `halving` stops, and those that diverge, are told as pruned.

    ```python
    study = optuna.create_study(
        storage="sqlite:///search.db", study_name="rates", load_if_exists=True
    )
    tune(training, make, space, batches, trials=256, population=32, study=study)
    ```

    On several processes each makes the same call; the study of process 0 is the one asked.

    Args:
      training: how one member trains.
      make: from parameters (by name) to a plan: a schedule, or a dictionary of schedules and
        numbers. Schedules of several structures are trained one structure after the other.
      space: from names to `Uniform`, `LogUniform`, `Integers` or `Choice`; or a list of parameters.
      batches: as for `sweep`.
      trials: how many to train in all; for a list, all of it.
      population: how many of them in one sweep.
      study: an `optuna.Study` that minimizes.
      seed: of random draws, where there is no study.
      halving: as for `sweep`, within each population.
      progress: whether to show bars.
      **options: passed on to `sweep`: `steps`, `seeds`, `evaluate`, `mesh`, ...

    Returns:
      A `TuneResult`; after Ctrl-C, with what there is by then.

    Raises:
      ValueError: for bad arguments, and as `sweep` does.

    Example:
        >>> import anneal_jax as anneal, jax.numpy as jnp, optax
        >>> from anneal_jax.search import LogUniform, Training, tune
        >>> def loss(w, batch):
        ...     return jnp.sum((w - batch) ** 2)
        >>> result = tune(
        ...     Training.from_loss(loss, optax.sgd, jnp.zeros(3)),
        ...     lambda peak: anneal.warmup_cosine(peak, 2, 20),
        ...     {"peak": LogUniform(1e-4, 0.4)},
        ...     jnp.ones((20, 3)),
        ...     trials=16,
        ...     progress=False,
        ... )
        >>> result.best_loss < 1e-4
        True
    """
    _checks.steps(OWNER, "population", population, least=1, remedy="count members")
    asker = asker_of(space, trials, study, seed)
    compiled: Compiled = {}
    rows: list[dict[str, Any]] = []
    interrupted = False
    while not interrupted and (asked := asker.ask(population)):
        columns = {name: _column([p[name] for p in asked]) for name in asked[0]}
        plans = [make(**p) for p in asked]
        result = sweep(
            training, plans, batches,
            labels=columns, halving=halving, progress=progress, compiled=compiled, **options,
        )  # fmt: skip
        outcome = [_outcome(result, i) for i in range(len(asked))]
        asker.tell(outcome)
        interrupted = any(status == "interrupted" for status, _, _ in outcome)
        for parameters, (status, steps, final) in zip(asked, outcome, strict=True):
            rows.append({**parameters, "steps": steps, "status": status, "final_loss": final})
    names = rows[0] if rows else {}
    table = {name: _column([row[name] for row in rows]) for name in names}
    best, best_loss = asker.best(rows)
    plan = None if best is None else make(**best)
    return TuneResult(table, best, best_loss, plan, interrupted)


def _outcome(result: SweepResult, plan: int) -> Outcome:
    """Status, steps and final loss of a plan, over its seeds."""
    at = result.table["plan"] == plan
    status = result.table["status"][at]
    worst = next((s for s in ("interrupted", "diverged", "stopped") if s in status), "finished")
    return worst, int(result.table["steps"][at].min()), result.row(plan)["final_loss"]


def _column(values: list[Any]) -> np.ndarray:
    """Values of one name; of several types, as they are."""
    if len({type(v) for v in values}) == 1:
        return np.asarray(values)
    found = np.empty(len(values), object)
    found[:] = values
    return found
