"""Optax's reduction on a plateau, as a rule of ours with another margin and another count."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import optax

from ... import _checks
from ..._types import Array, IntScalarLike, RealScalarLike
from ...transforms._metrics import Bar, scale_by_metric
from ...transforms._plateau import Plateau
from .. import _arguments


def reduce_on_plateau(
    factor: RealScalarLike = 0.1,
    patience: IntScalarLike = 10,
    rtol: RealScalarLike = 1e-4,
    atol: RealScalarLike = 0.0,
    cooldown: IntScalarLike = 0,
    accumulation_size: IntScalarLike = 1,
    min_scale: RealScalarLike = 0.0,
    *,
    observed: bool = False,
    exact: bool = True,
) -> optax.GradientTransformationExtraArgs:
    """`optax.contrib.reduce_on_plateau`; `anneal_jax.reduce_on_plateau`, counted as Optax counts.

    The `patience`-th metric in a row that is no improvement multiplies the scale of the updates
    by `factor`. A metric `m` is an improvement on the best so far if
    `m < (1 - rtol) * best - atol`. The state is ours, so `anneal_jax.hyperparams` reads its
    `plateau_scale`, where Optax has `scale`.

    Args:
      factor: factor of a reduction, above 0 and below 1.
      patience: number of bad metrics in a row that reduce the scale, from 1 up. (With 0 Optax
        reduces it where a metric improves.)
      rtol: margin of an improvement as a share of the best metric, from 0 to 1.
      atol: margin of an improvement as a difference, from 0 up; one of the two is above 0.
      cooldown: number of metrics after a reduction that do not count as bad, from 0 up.
      accumulation_size: number of metrics whose mean is judged, as one metric.
      min_scale: lower bound of the scale, from 0 to 1.
      observed: where the metric comes from: False, with every `update`, as `value=`, as in Optax;
        True, through `anneal_jax.observe`, for instance once an epoch.
      exact: whether the share is that of a signed number, as in Optax, so that among metrics
        below 0 one that stands still is an improvement. Without it, it is that of `|best|`.

    Returns:
      A `GradientTransformationExtraArgs`.

    Raises:
      ValueError: for arguments outside their ranges; from `update`, if `value` is missing.

    Example:
        >>> import jax.numpy as jnp
        >>> from anneal_jax.ports import optax
        >>> tx = optax.reduce_on_plateau(factor=0.5, patience=2)
        >>> state = tx.init(jnp.zeros(3))
        >>> for loss in [1.0, 1.0, 1.0]:
        ...     updates, state = tx.update(jnp.ones(3), state, value=loss)
        >>> print(updates)
        [0.5 0.5 0.5]
    """
    owner = "reduce_on_plateau"
    _checks.flag(owner, "observed", observed)
    _checks.flag(owner, "exact", exact)
    factor = _arguments.number(owner, "factor", factor, above=0, below=1)
    rtol = _arguments.number(owner, "rtol", rtol, least=0, most=1)
    atol = _arguments.number(owner, "atol", atol, least=0)
    if _arguments.is_zero(rtol) and _arguments.is_zero(atol):
        _checks.fail(owner, "rtol or atol", "above 0", (rtol, atol), "raise one of them")
    min_scale = _arguments.number(owner, "min_scale", min_scale, least=0, most=1)
    counts: dict[str, Any] = {"patience": patience, "accumulation_size": accumulation_size}
    for name, given in counts.items():
        counts[name] = _arguments.steps(owner, name, given, least=1, remedy="count metrics")
    cooldown = _arguments.steps(owner, "cooldown", cooldown, remedy="count metrics")
    bar = Margins(1 - rtol, "min", "factor" if exact else "rel", atol)
    rule = Plateau(bar, factor, min_scale, 0.0, counts["patience"] - 1, cooldown)
    return scale_by_metric(owner, rule, counts["accumulation_size"], observed)


class Margins(Bar):
    """A bar with two margins; `threshold` is what the relative one leaves of the best metric."""

    atol: RealScalarLike = eqx.field(converter=_checks.real)

    def passed(self, value: Array, best: Array) -> Array:
        left = self.threshold * best
        if self.threshold_mode == "rel":
            some = jnp.where(jnp.isinf(best), 0.0, best)  # infinity has no parts
            left = best - (1 - self.threshold) * jnp.abs(some)
        return value < left - self.atol
