"""Who proposes what a search trains: a list, random draws, or an Optuna study."""

import itertools
import pickle
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import jax
import numpy as np

from .. import _checks
from ._space import Choice, Integers, LogUniform, Space, check_seed, check_space, draws

OWNER = "tune"
Outcome = tuple[str, int, float]  # status, steps, final loss
TOLD = {"steps", "status", "final_loss"}  # columns of the table beside the hyperparameters


class Asker(Protocol):
    """Proposes hyperparameters, and is told how they did."""

    def ask(self, count: int) -> list[dict[str, Any]]:
        """At most `count` sets of hyperparameters; none when the search has ended."""
        ...

    def tell(self, outcome: list[Outcome]) -> None:
        """How each of those that were asked last did."""
        ...

    def best(self, rows: list[dict[str, Any]]) -> tuple[dict[str, Any] | None, float]:
        """The hyperparameters with the lowest final loss, and it; `rows` are of this call."""
        ...


class Listed:
    """Hyperparameters that are known beforehand."""

    def __init__(self, rest: Iterable[Mapping[str, Any]]):
        self._rest = iter(rest)

    def ask(self, count: int) -> list[dict[str, Any]]:
        return [dict(x) for x in itertools.islice(self._rest, count)]

    def tell(self, outcome: list[Outcome]) -> None:
        del outcome

    def best(self, rows: list[dict[str, Any]]) -> tuple[dict[str, Any] | None, float]:
        finished = [row for row in rows if row["status"] == "finished"]
        if not finished:
            return None, float("inf")
        row = min(finished, key=lambda row: row["final_loss"])
        return {k: v for k, v in row.items() if k not in TOLD}, row["final_loss"]


class Studied:
    """Hyperparameters that an Optuna study proposes."""

    def __init__(self, study: Any, space: Space, trials: int):
        import optuna

        self._study, self._trials, self._states = study, trials, optuna.trial.TrialState
        self._distributions = {name: _distribution(x) for name, x in space.items()}
        self._asked: list[Any] = []
        for trial in study.get_trials(deepcopy=False, states=(self._states.RUNNING,)):
            self._again(trial.number, trial.params)  # the process that asked for it is gone

    def ask(self, count: int) -> list[dict[str, Any]]:
        done = (self._states.COMPLETE, self._states.PRUNED)
        left = self._trials - len(self._study.get_trials(deepcopy=False, states=done))
        self._asked = [self._study.ask(self._distributions) for _ in range(min(count, left))]
        return [dict(trial.params) for trial in self._asked]

    def tell(self, outcome: list[Outcome]) -> None:
        for trial, (status, steps, final) in zip(self._asked, outcome, strict=True):
            if status == "interrupted":
                self._again(trial.number, trial.params)
                continue
            trial.set_user_attr("status", status)
            trial.set_user_attr("steps", steps)
            if status == "finished":
                self._study.tell(trial, final)
            else:
                trial.report(final if status == "stopped" else float("inf"), steps)
                self._study.tell(trial, state=self._states.PRUNED)

    def best(self, rows: list[dict[str, Any]]) -> tuple[dict[str, Any] | None, float]:
        del rows
        if not self._study.get_trials(deepcopy=False, states=(self._states.COMPLETE,)):
            return None, float("inf")
        return dict(self._study.best_params), self._study.best_value

    def _again(self, number: int, parameters: dict[str, Any]) -> None:
        # (Enqueued first: killed between the two, one trains twice rather than never.)
        if parameters:
            self._study.enqueue_trial(parameters)
        self._study.tell(number, state=self._states.FAIL)


class Led:
    """Hyperparameters that process 0 asks, for all processes to train together."""

    def __init__(self, make: Callable[[], Studied]):
        self._lead = make() if jax.process_index() == 0 else None

    def ask(self, count: int) -> list[dict[str, Any]]:
        return _from_first(self._lead and self._lead.ask(count))

    def tell(self, outcome: list[Outcome]) -> None:
        if self._lead is not None:
            self._lead.tell(outcome)

    def best(self, rows: list[dict[str, Any]]) -> tuple[dict[str, Any] | None, float]:
        return _from_first(self._lead and self._lead.best(rows))


def _from_first(value: Any) -> Any:
    """What process 0 has, on every process."""
    from jax.experimental import multihost_utils

    data = np.frombuffer(pickle.dumps(value), np.uint8)
    size = int(multihost_utils.broadcast_one_to_all(np.int32(len(data))))
    padded = np.zeros(size, np.uint8)
    padded[: len(data[:size])] = data[:size]
    return pickle.loads(np.asarray(multihost_utils.broadcast_one_to_all(padded)).tobytes())


def asker_of(space: Any, trials: int | None, study: Any, seed: int | None) -> Asker:
    """Who proposes: the list, draws from the space, or the study (that of process 0)."""
    if seed is not None and (study is not None or isinstance(space, list | tuple)):
        rule = "left out where a list or a study says what to train"
        _checks.fail(OWNER, "seed", rule, seed, "seed the study's sampler, if there is one")
    if isinstance(space, list | tuple):
        if not space or study is not None or trials is not None:
            rule = "names with dimensions where trials or study are given, else at least one set"
            got = f"a list of {len(space)}"
            _checks.fail(OWNER, "space", rule, got, "leave trials and study out, or pass a space")
        _check_list(space)
        return Listed(space)
    check_space(OWNER, space)
    _checks.steps(OWNER, "trials", trials, least=1, remedy="say how many")  # pyright: ignore[reportArgumentType]
    if study is None:
        check_seed(OWNER, seed or 0)
        return Listed(draws(space, trials or 1, seed or 0))
    direction = getattr(getattr(study, "direction", None), "name", None)
    if direction != "MINIMIZE":
        remedy = "create it with optuna.create_study(direction='minimize')"
        _checks.fail(OWNER, "study", "an optuna.Study that minimizes", study, remedy)
    if jax.process_count() > 1:
        return Led(lambda: Studied(study, space, trials or 1))
    return Studied(study, space, trials or 1)


def _check_list(space: Any) -> None:
    """Require dictionaries of the same names."""
    for hyperparams in space:
        if not isinstance(hyperparams, Mapping) or hyperparams.keys() != space[0].keys():
            rule = "a list of dictionaries with the same names"
            _checks.fail(OWNER, "space", rule, hyperparams, "as in [{'peak': 0.1}, {'peak': 0.2}]")


def _distribution(dimension: Any) -> Any:
    """As Optuna has it."""
    from optuna import distributions

    if isinstance(dimension, Choice):
        return distributions.CategoricalDistribution(dimension.options)
    if isinstance(dimension, Integers):
        return distributions.IntDistribution(dimension.low, dimension.high)
    log = isinstance(dimension, LogUniform)
    return distributions.FloatDistribution(dimension.low, dimension.high, log=log)
