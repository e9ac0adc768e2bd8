"""What metric-driven transformations share: reading a metric, judging it, scaling updates.

Options live in the state, as arrays: a metric can then be reported to an optimizer state from
anywhere (`observe`), and options can differ between the members of a vmapped population.
"""

import abc
from typing import Any, NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import PyTree

from .. import _checks
from .._numerics import as_float, as_int, on_host
from .._types import Array, IntScalarLike, RealScalarLike
from ._states import change, find, owned, plain, put_where
from ._updates import scale_updates

State = TypeVar("State")


class Bar(eqx.Module):
    """What a metric must pass to count as better than the best one so far."""

    threshold: RealScalarLike = eqx.field(converter=_checks.real)
    mode: str = eqx.field(static=True)  # "min" or "max"
    threshold_mode: str = eqx.field(static=True)  # "rel", "abs" or "factor"

    def first(self) -> Array:
        """The best metric before there was one."""
        return as_float(jnp.inf if self.mode == "min" else -jnp.inf)

    def passed(self, value: Array, best: Array) -> Array:
        """Whether `value` is better than `best`; never if it is NaN."""
        sign = 1.0 if self.mode == "min" else -1.0
        if self.threshold_mode == "factor":
            return sign * value < sign * (best * (1 - sign * self.threshold))
        if self.threshold_mode == "abs":
            return sign * value < sign * best - self.threshold
        first = jnp.isinf(best)  # there was none yet, and infinity has no parts
        margin = self.threshold * jnp.abs(jnp.where(first, 0.0, best))
        return sign * value < sign * best - margin


class MetricRule(eqx.Module):
    """How a scale follows a metric."""

    @abc.abstractmethod
    def start(self) -> Any:
        """What the rule remembers at first; a NamedTuple with `scale`."""

    @abc.abstractmethod
    def after(self, memory: Any, value: Array) -> Any:
        """What it remembers after one more metric."""


class MetricScaleState(NamedTuple):
    """State of `reduce_on_plateau` and `greedy`."""

    rule: MetricRule  # the options, as arrays
    memory: Any  # what the rule remembers; its `scale` is in use
    accumulation_size: Array  # int[]: number of metrics whose mean the rule judges
    total: Array  # float[]: sum of the metrics since the rule was last asked
    count: Array  # pyright: ignore[reportIncompatibleMethodOverride]  # int[]: how many
    nan_count: Array  # int[]: metrics that were NaN, since the start

    @property
    def hyperparams(self) -> dict[str, Array]:
        """What `anneal_jax.hyperparams` reads."""
        return {f"{type(self.rule).__name__.lower()}_scale": self.memory.scale}

    carries_on = True  # `reset_on_restart` leaves it alone


def scale_by_metric(
    owner: str, rule: MetricRule, accumulation_size: IntScalarLike, observed: bool
) -> optax.GradientTransformationExtraArgs:
    """The transformation that multiplies updates by the scale of `rule`."""

    def init(params: PyTree) -> Any:
        del params
        return MetricScaleState(*owned((rule, rule.start(), accumulation_size, 0.0, 0, 0)))

    def update(
        updates: Any, state: Any, params: Any = None, *, value: Any = None, **extra: Any
    ) -> tuple[Any, Any]:
        del params, extra
        if not observed:
            state = _after(state, _metric(owner, value))
        return scale_updates(updates, state.memory.scale), state

    return optax.GradientTransformationExtraArgs(init, update)


def observe(opt_state: State, value: RealScalarLike) -> State:
    """Report a metric to `reduce_on_plateau` and `greedy`, built with `observed=True`.

    For metrics that are there less often than gradients, such as the validation loss of an
    epoch. Works inside and outside of `jit`; nothing else in the state changes.

    Args:
      opt_state: an optimizer state of any nesting, or what has one as `opt_state` (a Flax
        `TrainState`; an `nnx.Optimizer`, which is changed in place).
      value: the metric, a scalar; NaN counts as no improvement.

    Returns:
      `opt_state`, changed.

    Raises:
      ValueError: if nothing in it follows a metric, or `value` is no scalar.

    Example:
        >>> import anneal_jax as anneal, jax.numpy as jnp, optax
        >>> plateau = anneal.reduce_on_plateau(factor=0.5, patience=0, observed=True)
        >>> tx = optax.chain(optax.sgd(0.1), plateau)
        >>> state = tx.init(jnp.zeros(3))
        >>> for validation_loss in [1.0, 0.9, 0.9]:
        ...     state = anneal.observe(state, validation_loss)
        >>> float(anneal.hyperparams(state)["plateau_scale"])
        0.5
    """
    metric = _metric("observe", value)
    if not list(find(opt_state, _follows_metric)):
        remedy = "put anneal_jax.reduce_on_plateau or greedy into the chain"
        kind = type(opt_state).__name__
        _checks.fail("observe", "opt_state", "one that follows a metric", kind, remedy)
    return change(
        opt_state,
        _follows_metric,
        lambda _, state: put_where(state, _after(jax.tree.map(jnp.asarray, plain(state)), metric)),
    )


def check_options(
    owner: str, bar: Bar, factor: RealScalarLike, eps: RealScalarLike, observed: bool, **counts: Any
) -> None:
    """Require a known mode, numbers in range, and counts from 0 up."""
    _checks.nearest(owner, "mode", bar.mode, ("min", "max"))
    _checks.nearest(owner, "threshold_mode", bar.threshold_mode, ("rel", "abs", "factor"))
    most = None if bar.threshold_mode == "abs" else 1.0
    _checks.number(owner, "threshold", bar.threshold, least=0, most=most)
    _checks.number(owner, "factor", factor, above=0, below=1)
    _checks.number(owner, "eps", eps, least=0)
    _checks.flag(owner, "observed", observed)
    for name, value in counts.items():
        least = 1 if name in ("accumulation_size", "window_size", "reset_start") else 0
        _checks.steps(owner, name, value, least=least, remedy="count metrics")


def _follows_metric(x: Any) -> bool:
    return isinstance(x, MetricScaleState)


def _metric(owner: str, value: Any) -> Array:
    if value is None:
        raise ValueError(
            f"{owner}: value must be given to update, as in tx.update(grads, state, params, "
            "value=loss), got none; pass it, or build with observed=True and call "
            "anneal_jax.observe(opt_state, value) when there is a metric."
        )
    number = isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jnp.number)
    if jnp.shape(value) != () or not (on_host(value) or number):
        _checks.fail(owner, "value", "a scalar metric", value, "pass its mean")
    return as_float(value)


def _after(state: MetricScaleState, value: Array) -> Any:
    """The state after one more metric; the rule is asked when enough have come together."""
    total, count = state.total + value, state.count + 1
    due = count >= state.accumulation_size
    memory = state.rule.after(state.memory, total / as_float(count))
    memory = jax.tree.map(lambda new, old: jnp.where(due, new, old), memory, state.memory)
    return MetricScaleState(
        state.rule,
        memory,
        state.accumulation_size,
        jnp.where(due, jnp.zeros_like(total), total),
        jnp.where(due, jnp.zeros_like(count), count),
        state.nan_count + as_int(jnp.isnan(value)),
    )
