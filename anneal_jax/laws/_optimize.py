"""The schedule with which a law's loss at the end is lowest."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .. import _checks
from .._recipes import warmup_cosine, warmup_stable_decay
from .._schedule import Array, Schedule
from .._tables import Interpolated
from ._law import Law
from ._past import Last

_LEAST = 1e-4  # of the peak: the lowest rate


class Optimized(NamedTuple):
    """A schedule and the final losses a law predicts; made by `optimize_schedule`."""

    schedule: Schedule
    loss: float  # of the schedule
    cosine: float  # of a cosine to a tenth of the peak, with the same warmup and budget
    wsd: float  # of a 1-sqrt cooldown to 0 in the last fifth


def optimize_schedule(
    law: Law,
    peak_value: float,
    total_steps: int,
    warmup_steps: int = 0,
    *,
    constraint: str = "non_increasing",
    knots: int = 64,
) -> Optimized:
    """The schedule of which a law predicts the lowest loss after its last step.

    Linear warmup from 0, then straight lines through knots, none above the peak and none below
    0.0001 of it. SciPy's L-BFGS-B finds their rates by the law's exact gradient.

    A law's optimum is where it has seen least: take it for a proposal, not a promise.

    Args:
      law: a fitted law.
      peak_value: the largest rate.
      total_steps: of the run.
      warmup_steps: of which rise from 0; they count in the law.
      constraint: "non_increasing" after the warmup, or "free".
      knots: of the schedule after the warmup.

    Returns:
      An `Optimized`.

    Raises:
      ValueError: for arguments out of range.

    Example:
        >>> import anneal_jax as anneal
        >>> law = anneal.laws.MultiPowerLaw(3.0405, 0.5247, 0.5079, 363.79, 2.0656, 0.5828, 0.6414)
        >>> best = anneal.laws.optimize_schedule(law, 3e-4, 24_000, 2_160)
        >>> print(f"{best.loss:.3f}, cosine {best.cosine:.3f}")
        3.258, cosine 3.315
    """
    from scipy.optimize import minimize

    owner = "optimize_schedule"
    if not isinstance(law, Law):
        _checks.fail(owner, "law", "a law", law, "pass one, or the law of a fit")
    _checks.number(owner, "peak_value", peak_value, above=0)
    _checks.nearest(owner, "constraint", constraint, ("non_increasing", "free"))
    _checks.steps(owner, "knots", knots, least=2)
    _checks.steps(owner, "warmup_steps", warmup_steps)
    _checks.steps(owner, "total_steps", total_steps, least=int(warmup_steps) + 2 * knots)
    share = (1 - np.linspace(0.0, 1.0, knots + 1)) ** 2  # (knots are closer towards the end)
    after = np.unique((total_steps - 1 - (total_steps - 1 - warmup_steps) * share).round())
    knots = len(after) - 1  # (of which two may have met)
    falling = constraint == "non_increasing"
    floor = np.log(_LEAST)
    start = np.log(np.linspace(1.0, 0.1, knots + 1))[1:]
    first = -np.diff(start, prepend=0.0) if falling else start
    bounds = [(0.0, -floor) if falling else (floor, 0.0)] * knots
    with jax.enable_x64(True):
        final = functools.partial(_final, falling, law, after, float(peak_value))
        found = minimize(final, first, jac=True, method="L-BFGS-B", bounds=bounds)
        shape = np.asarray(_shape(falling, found.x))
    steps = np.concatenate([[0.0], after]) if warmup_steps else after
    rates = np.concatenate([[0.0], shape]) if warmup_steps else shape
    common = float(peak_value), int(warmup_steps)
    others = (
        warmup_cosine(*common, total_steps, end_value=0.1 * peak_value),
        warmup_stable_decay(*common, total_steps // 5, total_steps),
    )
    losses = [float(law(schedule, total_steps)[-1]) for schedule in others]
    schedule = Interpolated(steps, peak_value * rates)
    return Optimized(schedule, float(found.fun), *losses)


def _shape(falling: bool, z: Any) -> Array:
    """Rates at the knots over the peak, the first of them 1."""
    logs = -jnp.cumsum(z) if falling else jnp.asarray(z)
    return jnp.concatenate([jnp.ones(1), jnp.maximum(jnp.exp(logs), _LEAST)])


def _final(falling: bool, law: Law, after: Any, peak: float, z: Any) -> tuple[float, np.ndarray]:
    loss, slope = _loss(falling, int(after[-1]) + 1, law, after, peak, z)
    return float(loss), np.asarray(slope)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _loss(falling: bool, steps: int, law: Law, after: Array, peak: Array, z: Array) -> Any:
    def loss(z: Array) -> Array:
        every = jnp.arange(steps, dtype=np.float64)
        warm = every / jnp.maximum(after[0], 1.0)
        shape = jnp.interp(every, after, _shape(falling, z))
        return law.losses(Last(peak * jnp.where(every < after[0], warm, shape)))[0]

    return jax.value_and_grad(loss)(z)
