"""Greedy rates: raise the rate while a metric improves, lower it while it does not."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import optax
from jax import lax

from .. import _checks
from .._numerics import Number, as_float, as_int
from .._types import Array
from ._metrics import Bar, Rule, check_options, scale_by_metric


class GreedyMemory(NamedTuple):
    """What `greedy` remembers."""

    scale: Array  # float[]: what updates are multiplied by
    best: Array  # float[]: the best metric so far
    good_count: Array  # int[]: improvements in a row
    bad_count: Array  # int[]: metrics in a row that were none
    warmup_count: Array  # int[]: metrics to ignore after a raise
    cooldown_count: Array  # int[]: metrics to ignore after a reduction
    floor_count: Array  # int[]: reductions at the floor until everything starts anew
    window: Array  # float[window_size]: the metrics to average, a ring
    seen: Array  # int[]: metrics that have entered the ring


class Greedy(Rule):
    """The options of `greedy`."""

    bar: Bar
    factor: Array = eqx.field(converter=_checks.real)
    min_scale: Array = eqx.field(converter=_checks.real)
    max_scale: Array = eqx.field(converter=_checks.real)
    eps: Array = eqx.field(converter=_checks.real)
    patience: Array
    cooldown: Array
    warmup: Array
    reset_start: Array
    window_size: int = eqx.field(static=True)

    def start(self) -> GreedyMemory:
        """Scale 1, and any metric will be an improvement."""
        zero, window = as_int(0), as_float(jnp.zeros(self.window_size))
        best, floor = self.bar.first(), as_int(self.reset_start)
        return GreedyMemory(as_float(1.0), best, zero, zero, zero, zero, floor, window, zero)

    def after(self, memory: GreedyMemory, value: Array) -> GreedyMemory:
        """One `step` of GreedyLR."""
        window = memory.window.at[memory.seen % self.window_size].set(value)
        seen = memory.seen + 1
        filled = jnp.minimum(seen, self.window_size)
        inside = as_int(jnp.arange(self.window_size)) < filled
        metric = jnp.sum(jnp.where(inside, window, 0.0)) / as_float(filled)
        cooling, warming = memory.cooldown_count > 0, memory.warmup_count > 0  # never both
        judged = memory._replace(
            window=window,
            seen=seen,
            cooldown_count=memory.cooldown_count - as_int(cooling),
            warmup_count=memory.warmup_count - as_int(warming),
        )
        return self._acted(self._counted(judged, metric, cooling | warming))

    def _counted(self, memory: GreedyMemory, metric: Array, idle: Array) -> GreedyMemory:
        better = self.bar.passed(metric, memory.best)
        return memory._replace(
            best=jnp.where(better & ~idle, metric, memory.best),
            good_count=jnp.where(better & ~idle, memory.good_count + 1, 0),
            bad_count=jnp.where(~better & ~idle, memory.bad_count + 1, 0),
        )

    def _acted(self, memory: GreedyMemory) -> GreedyMemory:
        up = memory.good_count > self.patience
        down = memory.bad_count > self.patience
        higher = jnp.minimum(memory.scale / self.factor, self.max_scale)
        lower = jnp.maximum(memory.scale * self.factor, self.min_scale)
        higher = jnp.where(up & (higher - memory.scale > self.eps), higher, memory.scale)
        scale = jnp.where(down & (memory.scale - lower > self.eps), lower, higher)
        stuck = down & (scale <= self.min_scale)
        floor = jnp.where(up, self.reset_start, memory.floor_count - as_int(stuck))
        anew = stuck & (floor <= 0)
        first = self.start()
        return memory._replace(
            scale=jnp.where(anew, first.scale, scale),
            best=jnp.where(anew, first.best, memory.best),
            good_count=jnp.where(up | anew, 0, memory.good_count),
            bad_count=jnp.where(down, 0, memory.bad_count),
            warmup_count=jnp.where(
                up, self.warmup, lax.select(anew, as_int(0), memory.warmup_count)
            ),
            cooldown_count=jnp.where(down, self.cooldown, memory.cooldown_count),
            floor_count=jnp.where(anew, self.reset_start, floor),
            seen=jnp.where(anew, 0, memory.seen),
        )


def greedy(
    mode: str = "min",
    factor: Number = 0.95,
    patience: Number = 10,
    threshold: Number = 1e-6,
    threshold_mode: str = "abs",
    cooldown: Number = 0,
    warmup: Number = 0,
    min_scale: Number = 0.01,
    max_scale: Number = 10.0,
    eps: Number = 1e-8,
    *,
    window_size: int = 1,
    reset_start: Number = 500,
    accumulation_size: Number = 1,
    observed: bool = False,
) -> optax.GradientTransformationExtraArgs:
    r"""Multiply updates by a scale that rises while a metric improves, and falls while not.

    After more than `patience` improvements in a row `scale <- min(scale / factor, max_scale)`,
    after more than `patience` other metrics `scale <- max(scale * factor, min_scale)`. What an
    improvement is, and how metrics come in, is as in `reduce_on_plateau`. Bounds are in units
    of the scale: transformers' `min_lr` is `min_scale` times the rate.

    Args:
      mode: "min" if smaller metrics are better, "max" if larger ones are.
      factor: what a reduction multiplies by and a raise divides by, above 0 and below 1.
      patience: metrics of one sort in a row to let pass, from 0 up.
      threshold: how much better a metric must be, from 0 up (for "rel": to 1).
      threshold_mode: whether `threshold` is a part of the best metric ("rel") or absolute.
      cooldown: metrics to ignore after a reduction.
      warmup: metrics to ignore after a raise.
      min_scale: lower bound of the scale, above 0 and at most 1.
      max_scale: upper bound of the scale, at least 1.
      eps: a change by no more than this is left out.
      window_size: length of the running mean of the metric; 1: none (transformers'
        `smooth=True` has 50).
      reset_start: reductions at the floor after which everything begins anew, at scale 1.
      accumulation_size: number of metrics whose mean is judged, as one metric.
      observed: as for `reduce_on_plateau`.

    Returns:
      A `GradientTransformationExtraArgs`; `hyperparams` reads its `greedy_scale`.

    Raises:
      ValueError: for arguments outside their ranges; from `update`, if `value` is missing.

    Example:
        >>> import anneal_jax as anneal, jax.numpy as jnp, optax
        >>> tx = optax.chain(optax.adamw(1e-3), anneal.greedy(factor=0.5, patience=1))
        >>> params = jnp.zeros(3)
        >>> state = tx.init(params)
        >>> for loss in [1.0, 0.9]:
        ...     updates, state = tx.update(jnp.ones(3), state, params, value=loss)
        >>> print(anneal.hyperparams(state)["greedy_scale"])
        2.0

    References:
      Subramanian et al., [GreedyLR](https://arxiv.org/abs/2512.14527), 2025; `GreedyLR` of
      transformers 5
    """
    owner = "greedy"
    bar = Bar(threshold, mode, threshold_mode)
    counts = {"patience": patience, "cooldown": cooldown, "warmup": warmup}
    counts = {name: _checks.whole(count) for name, count in counts.items()}
    sizes = {"reset_start": _checks.whole(reset_start), "window_size": _checks.whole(window_size)}
    accumulation_size = _checks.whole(accumulation_size)
    check_options(owner, bar, accumulation_size=accumulation_size, **counts, **sizes)
    _checks.number(owner, "factor", factor, above=0, below=1)
    _checks.number(owner, "min_scale", min_scale, above=0, most=1)
    _checks.number(owner, "max_scale", max_scale, least=1)
    _checks.number(owner, "eps", eps, least=0)
    rule = Greedy(bar, factor, min_scale, max_scale, eps, **counts, **sizes)
    return scale_by_metric(owner, rule, accumulation_size, observed)
