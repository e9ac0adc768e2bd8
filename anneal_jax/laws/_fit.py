"""Fitting a law to runs."""

import dataclasses
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import _checks
from .._progress import progress_bar
from ._fitted import Fit, LawT
from ._law import Law
from ._objective import Coordinates, Data, Objective
from ._range import Range
from ._runs import LossCurve, RunLike, blocks_of, checked_runs, held_out_sets

_TRIALS = 300  # evaluations of the objective from one start, after which a fit has failed
_SHORT = 10  # those of a member, which starts where the fit has ended


def fit(
    kind: type[LawT],
    runs: RunLike | Iterable[RunLike],
    *,
    prior: Mapping[str, tuple[float, float] | None] | None = None,
    starts: int = 4,
    members: int = 32,
    seed: int = 0,
    progress: bool = True,
) -> Fit[LawT]:
    """Fit a law to one run or more.

    The fit minimizes Huber's loss (linear beyond 0.01) of the residuals of logarithms, in which
    the last tenth of each run counts ten times, plus a weak prior on the parameters that few runs
    tell little of. It starts SciPy's `least_squares` from the best few of 64 sets of parameters.
    Losses before the rate first reaches its peak (a warmup) are left out; the rates there count.

    How far predictions may be off has two parts. `Fit.members` are laws that other data could
    have given: a bootstrap over eight blocks of each run, with other centres of the prior.
    `Fit.misfit` is what no parameters of the law explain.

    `Fit.held_out` serves to choose between laws. It is the error of losses that are left out of a
    fit: each run in turn where there are three or more, each block in turn where there are fewer.

    Args:
      kind: the law's class, such as `MultiPowerLaw`.
      runs: a list of runs, each a `Log` or a tuple `(schedule, steps, losses)`: a schedule or
        the rate of every step from 0; int[n], the steps with a loss; float[n], the losses.
      prior: by name of a parameter, `(centre, spread)` of its normal prior, or None for no prior;
        others have that of `kind.guesses`. The spread is the standard deviation of the
        parameter's logarithm, or of the parameter itself where it may be negative.
      starts: number of sets of parameters that `least_squares` starts from.
      members: number of laws that are drawn.
      seed: seed of the draws.
      progress: whether to show a progress bar where the error output is a terminal.

    Returns:
      A `Fit`. Where `least_squares` did not converge, a warning says so, and `converged` is False.

    Raises:
      ValueError: for runs that are too short, losses that are not positive and finite, a prior of
        an unknown parameter, and arguments out of range.

    Example:
        >>> import anneal_jax as anneal, numpy as np
        >>> from anneal_jax.laws import LevelLaw, fit
        >>> cosine = anneal.warmup_cosine(3e-4, 100, 2_000)
        >>> steps = np.arange(100, 2_000, 20)
        >>> losses = LevelLaw(2.5, 0.5, 0.5, 300.0)(cosine)[steps]
        >>> print(f"{fit(LevelLaw, [(cosine, steps, losses)]).law.floor:.2f}")
        2.50
    """
    owner = "fit"
    _check_kind(owner, kind, "kind")
    _checks.steps(owner, "starts", starts, least=1)
    _checks.steps(owner, "members", members, least=2)
    _checks.steps(owner, "seed", seed)
    _checks.flag(owner, "progress", progress)
    given = checked_runs(owner, runs)
    coordinates = Coordinates(kind)
    points = sum(len(run.steps) for run in given)
    if points < 2 * len(coordinates.names):
        rule = f"twice as many losses as {kind.__name__} has parameters, or more"
        _checks.fail(owner, "runs", rule, points, "add runs, or fit a law of fewer")
    guesses = _guesses(owner, kind, given, prior or {})
    weights = np.concatenate([run.weights() for run in given])
    sets = held_out_sets(given)
    solutions = starts + len(sets) + members
    with jax.enable_x64(True), progress_bar("fit", solutions, "fit", progress) as bar:
        objective = Objective(kind, _data(given), _prior(coordinates, guesses), weights)
        best, converged = _best(objective, objective.starts(_trials(guesses), starts), bar)
        held_out = [_unseen(objective, best, unseen, bar) for unseen in sets]
        drawn = _drawn(objective, best, blocks_of(given), members, seed, bar)
        residuals = objective.residuals(best)
        law = jax.tree.map(float, coordinates.law(best))
        others = [jax.tree.map(float, coordinates.law(z)) for z in drawn]
    if not converged:
        message = f"{owner}: {kind.__name__} did not converge in {_TRIALS} evaluations"
        warnings.warn(f"{message}; add runs, or a narrower prior", UserWarning, stacklevel=2)
    ends = np.cumsum([len(run.steps) for run in given])[:-1]
    return Fit(
        law,
        jax.tree.map(lambda *each: np.array(each), *others),
        tuple(np.split(residuals, ends)),
        float(np.mean(held_out)),
        converged,
        Range.of(run.rates for run in given),
    )


def select(
    laws: Iterable[type[Law]],
    runs: RunLike | Iterable[RunLike],
    *,
    starts: int = 4,
    progress: bool = True,
) -> list[Fit]:
    """Fit several laws to the same runs, and sort them by the error of held-out losses.

    Args:
      laws: classes of laws.
      runs: the runs, as for `fit`.
      starts: number of starts, as for `fit`.
      progress: whether to show progress bars where the error output is a terminal.

    Returns:
      The fits, the one with the lowest `held_out` first; those that did not converge at the end.

    Raises:
      ValueError: for an empty list, and as `fit`.

    Example:
        >>> import anneal_jax as anneal, numpy as np
        >>> from anneal_jax.laws import LevelLaw, MomentumLaw, select
        >>> cosine = anneal.warmup_cosine(3e-4, 100, 2_000)
        >>> steps = np.arange(100, 2_000, 20)
        >>> losses = LevelLaw(2.5, 0.5, 0.5, 300.0)(cosine)[steps]
        >>> fits = select([MomentumLaw, LevelLaw], [(cosine, steps, losses)])
        >>> type(fits[0].law).__name__
        'LevelLaw'
    """
    owner = "select"
    kinds = list(laws) if isinstance(laws, Iterable) else []
    if not kinds:
        _checks.fail(owner, "laws", "a list of one class of laws or more", laws, "pass some")
    for i, kind in enumerate(kinds):
        _check_kind(owner, kind, f"laws[{i}]")
    found = [fit(kind, runs, starts=starts, progress=progress) for kind in kinds]
    return sorted(found, key=lambda one: (not one.converged, one.held_out))


def _check_kind(owner: str, kind: Any, name: str) -> None:
    if not (isinstance(kind, type) and issubclass(kind, Law) and kind.linear):
        _checks.fail(owner, name, "a class of laws", kind, "pass one such as MultiPowerLaw")


def _solve(objective: Objective, start: np.ndarray, bar: Any, trials: int | None = None) -> Any:
    from scipy.optimize import least_squares

    slopes: Any = objective.slopes
    found = least_squares(
        objective.values, start, slopes, x_scale="jac", max_nfev=trials or _TRIALS
    )
    bar.update()
    return found


def _best(objective: Objective, starts: list[np.ndarray], bar: Any) -> tuple[np.ndarray, bool]:
    best = min((_solve(objective, z, bar) for z in starts), key=lambda one: one.cost)
    return best.x, best.status > 0


def _unseen(objective: Objective, start: np.ndarray, unseen: np.ndarray, bar: Any) -> float:
    """The mean absolute residual of losses that a fit has not seen."""
    z = _solve(objective.without(unseen), start, bar).x
    return float(np.mean(np.abs(objective.residuals(z)[unseen])))


def _drawn(
    objective: Objective, best: np.ndarray, blocks: np.ndarray, count: int, seed: int, bar: Any
) -> list[np.ndarray]:
    """Vectors that other data could have given, a few evaluations from the best."""
    rng, scale = np.random.default_rng(seed), objective.scale(best)
    each = [objective.drawn(blocks, scale, rng) for _ in range(count)]
    return [_solve(one, best, bar, _SHORT).x for one in each]


def _guesses(owner: str, kind: type[Law], runs: list[LossCurve], prior: Any) -> dict[str, Any]:
    """What the law has as likely, with the user's prior in place of the law's."""
    guesses: dict[str, Any] = dict(kind.guesses(max(float(run.rates.max()) for run in runs)))
    wanted = {field.name for field in dataclasses.fields(kind)} - set(kind.linear)
    if set(guesses) != wanted:
        rule = f"a class whose guesses are of {', '.join(sorted(wanted))}"
        _checks.fail(owner, "kind", rule, sorted(guesses), f"define {kind.__name__}.guesses")
    for name, value in prior.items():
        _checks.nearest(owner, "prior", name, guesses)
        if value is None:
            guesses[name] = guesses[name]._replace(spread=None)
            continue
        centre, spread = value
        _checks.number(owner, f"the prior's centre of {name}", centre, above=0)
        _checks.number(owner, f"the prior's spread of {name}", spread, above=0)
        guesses[name] = guesses[name]._replace(centre=float(centre), spread=float(spread))
    return guesses


def _data(runs: list[LossCurve]) -> Data:
    pasts = tuple(jax.tree.map(jnp.asarray, run.past()) for run in runs)
    return Data(pasts, jnp.log(np.concatenate([run.losses for run in runs])))


def _prior(coordinates: Coordinates, guesses: Any) -> dict[str, tuple[float, float]]:
    return {
        name: (coordinates.outside(name, guess.centre), guess.spread)
        for name, guess in guesses.items()
        if guess.spread is not None
    }


def _trials(guesses: Any, count: int = 64) -> dict[str, np.ndarray]:
    """Sets of parameters, spread evenly over what is likely."""
    from scipy.stats import qmc

    unit = qmc.Sobol(len(guesses), scramble=False).random(count)
    low, high = np.log([(guess.low, guess.high) for guess in guesses.values()]).T
    values = np.exp(low + unit * (high - low))
    return dict(zip(guesses, values.T, strict=True))
