"""Reduce on plateau: lower the rate when a metric has stopped improving."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import optax

from .. import _checks
from .._numerics import Number, as_float, as_int
from .._types import Array
from ._metrics import Bar, Rule, check_options, scale_by_metric


class PlateauMemory(NamedTuple):
    """What `reduce_on_plateau` remembers."""

    scale: Array  # float[]: what updates are multiplied by
    best: Array  # float[]: the best metric so far
    bad_count: Array  # int[]: metrics in a row that were no improvement
    cooldown_count: Array  # int[]: metrics that still will not count as bad


class Plateau(Rule):
    """The options of `reduce_on_plateau`."""

    bar: Bar
    factor: Array = eqx.field(converter=_checks.real)
    min_scale: Array = eqx.field(converter=_checks.real)
    eps: Array = eqx.field(converter=_checks.real)
    patience: Array
    cooldown: Array

    def start(self) -> PlateauMemory:
        """Scale 1, and any metric will be an improvement."""
        return PlateauMemory(as_float(1.0), self.bar.first(), as_int(0), as_int(0))

    def after(self, memory: PlateauMemory, value: Array) -> PlateauMemory:
        """One `step` of torch's class."""
        better = self.bar.passed(value, memory.best)
        cooling = memory.cooldown_count > 0
        bad = jnp.where(better | cooling, 0, memory.bad_count + 1)
        reduce = bad > self.patience
        lower = jnp.maximum(memory.scale * self.factor, self.min_scale)
        lowered = reduce & (memory.scale - lower > self.eps)
        return PlateauMemory(
            jnp.where(lowered, lower, memory.scale),
            jnp.where(better, value, memory.best),
            jnp.where(reduce, 0, bad),
            jnp.where(reduce, self.cooldown, memory.cooldown_count - as_int(cooling)),
        )


def reduce_on_plateau(
    mode: str = "min",
    factor: Number = 0.1,
    patience: Number = 10,
    threshold: Number = 1e-4,
    threshold_mode: str = "rel",
    cooldown: Number = 0,
    min_scale: Number = 0.0,
    eps: Number = 1e-8,
    *,
    accumulation_size: Number = 1,
    observed: bool = False,
) -> optax.GradientTransformationExtraArgs:
    r"""Multiply updates by a scale that falls when a metric has stopped improving.

    `scale <- max(scale * factor, min_scale)` after more than `patience` metrics in a row that
    were no improvement; then `cooldown` metrics pass before bad ones count again. A metric
    `m` is an improvement on the best so far if, for mode "min",

    - threshold_mode "rel": `m < best - threshold * |best|`
    - threshold_mode "abs": `m < best - threshold`
    - threshold_mode "factor": `m < best * (1 - threshold)`, what torch and Optax call
      relative; for metrics above 0 it is "rel", below 0 a constant metric is an improvement

    and the mirror image of that for "max". A NaN is none; `nan_count` in the state counts them.

    The scale multiplies whatever the rest of the chain makes, so warmup, then plateau, is
    `optax.chain(optax.adamw(warmup), reduce_on_plateau())`. The names, defaults and counting
    are those of torch's `ReduceLROnPlateau` (its `min_lr` is `min_scale` times the rate, its
    `eps` likewise), except for metrics below 0 in mode "rel". Beside
    `optax.contrib.reduce_on_plateau`, which this does not wrap: metrics below 0
    (google-deepmind/optax#1767), `patience=0`, mode "max", `eps`, NaN.
    Optax reduces after `patience` bad metrics, this and torch after one more.

    Args:
      mode: "min" if smaller metrics are better, "max" if larger ones are.
      factor: what the scale is multiplied by, above 0 and below 1.
      patience: bad metrics to endure, from 0 up.
      threshold: how much better a metric must be, from 0 up (unless absolute: to 1).
      threshold_mode: whether `threshold` is a part of the best metric, "rel" or "factor", or
        absolute, "abs".
      cooldown: metrics to wait after a reduction, from 0 up.
      min_scale: lower bound of the scale, from 0 to 1.
      eps: a reduction by no more than this is left out.
      accumulation_size: number of metrics whose mean is judged, as one metric.
      observed: False: every `update` must be given `value=`, the metric. True: the metric
        comes through `anneal_jax.observe`, for instance once an epoch.

    Returns:
      A `GradientTransformationExtraArgs`; `hyperparams` reads its `plateau_scale`.

    Raises:
      ValueError: for arguments outside their ranges; from `update`, if `value` is missing.

    Example:
        >>> import anneal_jax as anneal, jax.numpy as jnp, optax
        >>> warmup = anneal.Linear(0.0, 1e-3, steps=100)
        >>> tx = optax.chain(optax.adamw(warmup), anneal.reduce_on_plateau(patience=2))
        >>> params = jnp.zeros(3)
        >>> state = tx.init(params)
        >>> for loss in [1.0, 1.0, 1.0, 1.0]:
        ...     updates, state = tx.update(jnp.ones(3), state, params, value=loss)
        >>> print(anneal.hyperparams(state)["plateau_scale"])
        0.1
    """
    owner = "reduce_on_plateau"
    bar = Bar(threshold, mode, threshold_mode)
    counts = {"patience": _checks.whole(patience), "cooldown": _checks.whole(cooldown)}
    accumulation_size = _checks.whole(accumulation_size)
    check_options(owner, bar, accumulation_size=accumulation_size, **counts)
    _checks.number(owner, "factor", factor, above=0, below=1)
    _checks.number(owner, "min_scale", min_scale, least=0, most=1)
    _checks.number(owner, "eps", eps, least=0)
    rule = Plateau(bar, factor, min_scale, eps, **counts)
    return scale_by_metric(owner, rule, accumulation_size, observed)
