"""Fitting a law to runs."""

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .. import _checks
from ._law import Law
from ._objective import Coordinates, Data, Objective
from ._runs import Run, checked_runs

_TRIALS = 300  # evaluations of the objective from one start, after which a fit has failed


class Fit(NamedTuple):
    """A law fitted to runs; made by `fit`."""

    law: Law
    residuals: tuple[np.ndarray, ...]  # of each run: logarithm of the law's loss over the run's
    converged: bool

    @property
    def error(self) -> float:
        """The mean absolute residual: about the mean relative error on the runs it has seen."""
        return float(np.mean(np.abs(np.concatenate(self.residuals))))


def fit(
    kind: type[Law],
    runs: Any,
    *,
    prior: Mapping[str, tuple[float, float] | None] | None = None,
    starts: int = 4,
) -> Fit:
    """Fit a law to one run or more.

    Huber's loss of the logarithms' residuals (linear beyond 0.001), and a weak prior on those
    parameters which few runs tell little of. Of 64 sets of the other parameters, each with the
    best values of those a loss is linear in, the best few are starts of SciPy's `least_squares`.
    Losses before the rate's first peak (a warmup) are left out; the rates there count.

    Args:
      kind: the law's class, such as `MultiPowerLaw`.
      runs: a list of `Log`s, or of `(schedule or rates, steps, losses)`: the rate of every step
        from 0, the steps with a loss, those losses.
      prior: for names of parameters, `(centre, spread)` of a normal distribution, the spread of
        the logarithm (of parameters that may be negative: of themselves); None for no prior. By
        default as `kind.guesses` has it.
      starts: how many.

    Returns:
      A `Fit`. Where `least_squares` did not converge, a warning says so, and `converged` is False.

    Raises:
      ValueError: for runs that are too short, losses that are not positive and finite, and names
        that are none.

    Example:
        >>> import anneal_jax as anneal, numpy as np
        >>> from anneal_jax.laws import LevelLaw, fit
        >>> cosine = anneal.warmup_cosine(3e-4, 100, 2_000)
        >>> steps = np.arange(100, 2_000, 20)
        >>> losses = LevelLaw(2.5, 0.5, 0.5, 300.0)(cosine)[steps]
        >>> print(f"{fit(LevelLaw, [(cosine, steps, losses)]).law.floor:.2f}")
        2.50
    """
    from scipy.optimize import least_squares

    owner = "fit"
    if not (isinstance(kind, type) and issubclass(kind, Law) and kind.linear):
        _checks.fail(owner, "kind", "a class of laws", kind, "pass one such as MultiPowerLaw")
    _checks.steps(owner, "starts", starts, least=1)
    given = checked_runs(owner, runs)
    coordinates = Coordinates(kind)
    points = sum(len(run.steps) for run in given)
    if points < 2 * len(coordinates.names):
        rule = f"twice as many losses as {kind.__name__} has parameters, or more"
        _checks.fail(owner, "runs", rule, points, "add runs, or fit a law of fewer")
    peak = max(float(run.rates.max()) for run in given)
    guesses = dict(kind.guesses(peak))
    for name, value in (prior or {}).items():
        _checks.nearest(owner, "prior", name, guesses)
        guesses[name] = _guess(name, value, guesses[name])
    with jax.enable_x64(True):
        objective = Objective(kind, _data(given), _prior(coordinates, guesses))
        slopes: Any = objective.slopes
        first = objective.starts(_trials(guesses), starts)
        found = [
            least_squares(objective.values, z, slopes, x_scale="jac", max_nfev=_TRIALS)
            for z in first
        ]
        best = min(found, key=lambda one: one.cost)
        residuals = objective.residuals(best.x)
        parameters = jax.tree.map(float, coordinates.law(best.x))
    if best.status <= 0:
        message = f"{owner}: {kind.__name__} did not converge in {_TRIALS} evaluations"
        warnings.warn(f"{message}; add runs, or a narrower prior", UserWarning, stacklevel=2)
    ends = np.cumsum([len(run.steps) for run in given])[:-1]
    return Fit(parameters, tuple(np.split(residuals, ends)), best.status > 0)


def _guess(name: str, value: Any, old: Any) -> Any:
    if value is None:
        return old._replace(spread=None)
    centre, spread = value
    _checks.number("fit", f"the prior's centre of {name}", centre, above=0)
    _checks.number("fit", f"the prior's spread of {name}", spread, above=0)
    return old._replace(centre=float(centre), spread=float(spread))


def _data(runs: list[Run]) -> Data:
    pasts = tuple(jax.tree.map(jnp.asarray, run.past()) for run in runs)
    return Data(pasts, jnp.log(np.concatenate([run.losses for run in runs])))


def _prior(coordinates: Coordinates, guesses: Any) -> dict[str, tuple[float, float]]:
    return {
        name: (coordinates.outside(name, guess.centre), guess.spread)
        for name, guess in guesses.items()
        if guess.spread is not None
    }


def _trials(guesses: Any, count: int = 64) -> dict[str, np.ndarray]:
    """Sets of parameters, evenly over what is likely."""
    from scipy.stats import qmc

    unit = qmc.Sobol(len(guesses), scramble=False).random(count)
    low, high = np.log([(guess.low, guess.high) for guess in guesses.values()]).T
    values = np.exp(low + unit * (high - low))
    return dict(zip(guesses, values.T, strict=True))
