"""Searching a space: an engine proposes, a sweep trains what it proposes side by side."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import PyTree

from .. import _checks, _deprecated
from ._ask import OWNER, TOLD, Outcome, asker_of
from ._halving import Halving
from ._options import Options
from ._result import SweepResult
from ._space import Space
from ._sweep import swept
from .engine import Executables, PlanLike, Training, require_keywords

if TYPE_CHECKING:
    import optuna
    import pandas as pd


@dataclasses.dataclass(frozen=True)
class TuneResult:
    """The outcome of `tune`.

    The best hyperparameters are those of lowest final loss of all that finished; with a study, of
    all its trials, those of earlier calls too.

    Attributes:
      table: columns by name, an entry for each set of hyperparameters that was trained in this
        call: them, `steps`, `status` and `final_loss` (as in `SweepResult`, means over seeds).
      best_hyperparams: the best ones by name; None if none has finished.
      best_loss: their final loss; infinite if none has finished.
      best_plan: the plan made from them; None if none has finished.
      interrupted: whether Ctrl-C, or the end of the batches, ended it.
    """

    table: dict[str, np.ndarray]
    best_hyperparams: dict[str, Any] | None
    best_loss: float
    best_plan: PlanLike | None
    interrupted: bool

    @property
    def best(self) -> dict[str, Any] | None:
        """The former name of `best_hyperparams`."""
        _deprecated.warn("TuneResult.best", "TuneResult.best_hyperparams")
        return self.best_hyperparams

    @property
    def plan(self) -> PlanLike | None:
        """The former name of `best_plan`."""
        _deprecated.warn("TuneResult.plan", "TuneResult.best_plan")
        return self.best_plan

    def to_pandas(self) -> "pd.DataFrame":
        """The table as a `pandas.DataFrame`."""
        import pandas as pd

        return pd.DataFrame(self.table)


def tune(
    training: Training,
    make: Callable[..., PlanLike],
    space: Space | Sequence[Mapping[str, Any]],
    batches: PyTree | Iterable[PyTree] | Callable[..., PyTree],
    *,
    trials: int | None = None,
    population: int = 16,
    study: "optuna.Study | None" = None,
    seed: int | None = None,
    halving: Halving | None = None,
    progress: bool = True,
    **options: Any,
) -> TuneResult:
    """Search the numbers of a schedule, a population at a time.

    Hyperparameters come from one of three sources: random draws from `space`; the list that
    `space` is (of `grid`, for example); or the sampler of an Optuna `study`. One sweep trains
    `population` sets of them side by side, by a program that is compiled once for all sweeps.

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
      training: the initialization and the step of one member; see `Training`.
      make: function from hyperparameters, as keywords, to a plan: a schedule, or a dictionary of
        schedules and numbers. Plans of several structures train one structure after the other.
      space: dictionary from names to `Uniform`, `LogUniform`, `Integers` or `Choice`; or a list
        of dictionaries from names to values.
      batches: training data, as for `sweep`.
      trials: number of sets of hyperparameters to train in all; left out for a list.
      population: number of sets in one sweep.
      study: an `optuna.Study` that minimizes.
      seed: seed of the random draws, 0 by default; left out for a list or a study.
      halving: rule by which the worse plans of a population are stopped early; see `Halving`.
      progress: whether to show a bar for each sweep, where the standard error is a terminal.
      **options: further keywords of `sweep`: `steps`, `seeds`, `evaluate`, `mesh`, ...; all but
        `labels` and `keep`.

    Returns:
      A `TuneResult`; after Ctrl-C, with what was trained by then.

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
    told = _options(options, halving, progress)
    asker = asker_of(space, trials, study, seed)
    _check_make(make, space if isinstance(space, Mapping) else space[0])
    executables = Executables()
    rows: list[dict[str, Any]] = []
    interrupted = False
    while not interrupted and (asked := asker.ask(population)):
        plans = [_made(make, p) for p in asked]
        result = swept(training, plans, batches, told, executables)
        outcome = [_outcome(result, i) for i in range(len(asked))]
        asker.tell(outcome)
        interrupted = result.interrupted
        for hyperparams, (status, steps, final) in zip(asked, outcome, strict=True):
            rows.append({**hyperparams, "steps": steps, "status": status, "final_loss": final})
    names = rows[0] if rows else {}
    table = {name: _column([row[name] for row in rows]) for name in names}
    best, best_loss = asker.best(rows)
    plan = None if best is None else _made(make, best)
    return TuneResult(table, best, best_loss, plan, interrupted)


def _options(options: dict[str, Any], halving: Halving | None, progress: bool) -> Options:
    """The options of each sweep; `tune` labels the members, and returns no states to keep."""
    valid = {field.name for field in dataclasses.fields(Options)} - {"labels", "keep"}
    for name in options:
        _checks.nearest(OWNER, "every option", name, valid)
    return Options(halving=halving, progress=progress, labels={}, **options)


def _check_make(make: Any, names: Iterable[str]) -> None:
    """Require a function that takes those names, as keywords."""
    if not callable(make):
        rule = "a function from hyperparameters to a plan"
        _checks.fail(OWNER, "make", rule, make, "pass the function itself")
    if reserved := TOLD & set(names):
        rule = f"other than {', '.join(sorted(TOLD))}, which the table says of all"
        _checks.fail(OWNER, "every name in space", rule, min(reserved), "choose another name")
    require_keywords(OWNER, "make", make, names)


def _made(make: Callable[..., PlanLike], hyperparams: dict[str, Any]) -> PlanLike:
    """The plan of some hyperparameters."""
    plan = make(**hyperparams)
    if plan is None:
        remedy = "end it with return"
        _checks.fail(OWNER, "make", "a function that returns a plan", None, remedy)
    return plan


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
