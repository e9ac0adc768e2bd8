"""The schedule with which a law's loss at the end is lowest."""

import functools
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .. import _checks
from .._types import Array
from ..schedules._schedule import Schedule
from ..schedules._tables import Interpolated
from ..schedules.recipes import warmup_cosine, warmup_stable_decay
from ._compare import compare
from ._fitted import Fit
from ._law import Law
from ._past import Last

_LEAST = 1e-4  # of the peak: the lowest rate
_SURE = 0.9  # a gain is inside an interval of .8 below this probability
_RAMP = 1.25  # from one knot to the next a free schedule rises by this factor at most


class Optimized(NamedTuple):
    """A schedule and the final losses a law predicts; made by `optimize_schedule`."""

    schedule: Schedule
    loss: float  # of the schedule
    cosine: float  # of a cosine to a tenth of the peak, with the same warmup and budget
    wsd: float  # of a 1-sqrt cooldown to 0 in the last fifth
    better: float | None = None  # probability, of a fit, that it beats the better of these two


def optimize_schedule(
    law: Law | Fit,
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

    A law's optimum is where it has seen least: take it for a proposal, not a promise. Of a fit,
    a gain that is inside of what its predictions may be off is warned of.

    Args:
      law: a fit, or a law.
      peak_value: the largest rate.
      total_steps: of the run.
      warmup_steps: of which rise from 0; they count in the law.
      constraint: "non_increasing" after the warmup, or "free", with rises of a quarter at most from
        one knot to the next.
      knots: of the schedule after the warmup.

    Returns:
      An `Optimized`.

    Raises:
      ValueError: for arguments out of range.

    Where L-BFGS-B did not converge, a warning says so.

    Example:
        >>> import anneal_jax as anneal
        >>> law = anneal.laws.MultiPowerLaw(3.0405, 0.5247, 0.5079, 363.79, 2.0656, 0.5828, 0.6414)
        >>> best = anneal.laws.optimize_schedule(law, 3e-4, 24_000, 2_160)
        >>> print(f"{best.loss:.3f}, cosine {best.cosine:.3f}")
        3.258, cosine 3.315
    """
    from scipy.optimize import minimize

    owner = "optimize_schedule"
    fit, law = (law, law.law) if isinstance(law, Fit) else (None, law)
    if not isinstance(law, Law):
        _checks.fail(owner, "law", "a law or a fit", law, "pass what fit returns")
    _checks.number(owner, "peak_value", peak_value, above=0)
    _checks.nearest(owner, "constraint", constraint, ("non_increasing", "free"))
    _checks.steps(owner, "knots", knots, least=2)
    _checks.steps(owner, "warmup_steps", warmup_steps)
    _checks.steps(owner, "total_steps", total_steps, least=int(warmup_steps) + 2 * knots)
    after = _knots(int(warmup_steps), int(total_steps) - 1, knots)
    first = np.diff(np.log(np.linspace(1.0, 0.1, len(after))))
    most = np.log(_RAMP) if constraint == "free" else 0.0
    with jax.enable_x64(True):
        final = functools.partial(_final, law, after, float(peak_value))
        bounds = [(np.log(_LEAST), most)] * len(first)
        found = minimize(final, first, jac=True, method="L-BFGS-B", bounds=bounds)
        rates = peak_value * np.asarray(_shape(found.x))
    if not found.success:
        warnings.warn(f"{owner}: {found.message}; try fewer knots", UserWarning, stacklevel=2)
    if warmup_steps:
        after, rates = np.concatenate([[0.0], after]), np.concatenate([[0.0], rates])
    schedule = Interpolated(after, rates)
    common = float(peak_value), int(warmup_steps)
    others = {
        "cosine": warmup_cosine(*common, total_steps, end_value=0.1 * peak_value),
        "wsd": warmup_stable_decay(*common, total_steps // 5, total_steps),
    }
    losses = {name: float(law(one, total_steps)[-1]) for name, one in others.items()}
    better = _better(fit, schedule, others, total_steps) if fit else None
    return Optimized(schedule, float(found.fun), losses["cosine"], losses["wsd"], better)


def _knots(first: int, last: int, count: int) -> np.ndarray:
    """Steps from the first to the last, closer towards the end; two that meet are one."""
    share = (1 - np.linspace(0.0, 1.0, count + 1)) ** 2
    return np.unique((last - (last - first) * share).round())


def _better(fit: Fit, schedule: Schedule, others: Mapping[str, Schedule], steps: int) -> float:
    found = compare(fit, {"optimized": schedule, **others}, steps)
    at = found.names.index("optimized")
    better = min(float(found.better[at, i]) for i in range(len(found.names)) if i != at)
    if better < _SURE:
        message = f"optimize_schedule: it beats both, cosine and WSD, with probability {better:.2f}"
        message += ": its gain is inside the fit's interval"
        warnings.warn(message, UserWarning, stacklevel=3)
    return better


@jax.jit
def _shape(z: Any) -> Array:
    """Rates at the knots over the peak, the first of them 1, from their logarithms' changes."""

    def step(before: Array, change: Array) -> Any:
        now = jnp.clip(before + change, np.log(_LEAST), 0.0)
        return now, now

    logs = lax.scan(step, jnp.zeros((), np.float64), z)[1]
    return jnp.concatenate([jnp.ones(1), jnp.exp(logs)])


def _final(law: Law, after: Any, peak: float, z: Any) -> tuple[float, np.ndarray]:
    loss, slope = _loss(int(after[-1]) + 1, law, after, peak, z)
    return float(loss), np.asarray(slope)


@functools.partial(jax.jit, static_argnums=0)
def _loss(steps: int, law: Law, after: Array, peak: Array, z: Array) -> Any:
    def loss(z: Array) -> Array:
        every = jnp.arange(steps, dtype=np.float64)
        warm = every / jnp.maximum(after[0], 1.0)
        shape = jnp.interp(every, after, _shape(z))
        return law.losses(Last(peak * jnp.where(every < after[0], warm, shape)))[0]

    return jax.value_and_grad(loss)(z)
