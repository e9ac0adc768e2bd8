"""Schedules given by a table: constant between boundaries, or interpolated between knots."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeAlias, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .. import _checks
from .._deprecated import warn
from .._numerics import Number, as_float, as_int, fetched, last_reached, on_host, row, select
from .._types import Array, DurationLike, RealScalarLike
from ._schedule import Schedule
from ._segment import Shape, as_shape
from ._segments import Linear
from ._time_scale import WHOLE

Table: TypeAlias = Sequence[RealScalarLike] | Array | np.ndarray
"""Numbers in a list or in an array of one axis."""


def _table(owner: str, name: str, dtype: type) -> Callable[[Any], Any]:
    """Field converter: known numbers to a NumPy array, with tracers to a JAX array; one axis."""

    def convert(values: Any) -> Any:
        values = fetched(values)
        if isinstance(values, jax.Array) and values.ndim == 1:
            return values
        values = [fetched(v) for v in _checks.items(owner, name, values, "numbers")]
        if not all(type(v) in (int, float) or _checks.is_real_scalar(v) for v in values):
            _checks.fail(owner, name, "a list of numbers", values, "correct it")
        if not on_host(*values):
            return jnp.stack([jnp.asarray(v) for v in values])
        try:
            array = np.array(values, np.float64)
        except OverflowError:  # an int beyond the largest double
            _checks.fail(owner, name, "a list of finite numbers", values, "correct it")
        whole = dtype is np.int64 and np.all(abs(array) < 2.0**62)  # (NaN is no count either)
        return array.astype(dtype) if whole and np.array_equal(array, np.round(array)) else array

    return convert


def _check_values(owner: str, values: Any) -> None:
    if np.ndim(values) != 1 or len(values) == 0:
        _checks.fail(owner, "values", "a list of at least one number", values, "list the numbers")
    if _checks.known(values):
        worst = np.concatenate([np.max(values, keepdims=True), np.min(values, keepdims=True)])
        for value in np.asarray(worst, np.float64).tolist():  # NaN, if there is one, is both
            _checks.number(owner, "values", value, least=0, remedy="correct that one")


def _check_count(owner: str, name: str, table: Any, count: int, rule: str) -> None:
    if len(table) != count:
        _checks.fail(owner, name, rule, np.shape(table)[0], "pair them up")


P = ParamSpec("P")


def _values_first(init: Callable[P, None]) -> Callable[P, None]:
    """Accept the former order `(values, boundaries)`, told by the values being one more."""

    @functools.wraps(init)
    def call(*given: P.args, **named: P.kwargs) -> None:
        (self, *args), kwargs = cast(Any, given), cast(dict[str, Any], named)
        swapped = len(args) == 1 and "boundaries" in kwargs
        if len(args) == 2 and all(hasattr(x, "__len__") for x in args):
            swapped = len(args[0]) == len(args[1]) + 1
        if swapped:
            warn("PiecewiseConstant(values, boundaries)", "PiecewiseConstant(boundaries, values)")
            kwargs, args = {"values": args[0], "boundaries": (*args[1:], *kwargs.values())[0]}, []
        cast(Any, init)(self, *args, **kwargs)

    return call


class PiecewiseConstant(Schedule):
    """A table of values, each held until the next boundary.

    `value(t) = values[k]` for `boundaries[k - 1] <= t < boundaries[k]`; the first value holds
    before the first boundary, the last one from the last boundary on, where the schedule ends.

    Args:
      boundaries: optimizer steps at which the second, third, ... value begins; increasing, above 0.
      values: one more than `boundaries`; finite, not negative.

    Raises:
      ValueError: at construction, if a number is out of its range, or the counts do not fit.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.PiecewiseConstant([30], [1.0, 0.1])([29, 30]))
        [1.  0.1]
        >>> print(anneal.PiecewiseConstant.from_factors(1.0, [30, 60], [0.5, 0.5])([0, 30, 60]))
        [1.   0.5  0.25]
    """

    boundaries: Any = eqx.field(
        converter=_table("PiecewiseConstant", "boundaries", np.int64), metadata=WHOLE
    )
    values: Any = eqx.field(converter=_table("PiecewiseConstant", "values", np.float64))

    @_values_first
    def __init__(self, boundaries: Table, values: Table) -> None:
        self.boundaries, self.values = boundaries, values

    def __check_init__(self) -> None:
        owner = "PiecewiseConstant"
        _check_values(owner, self.values)
        rule = f"one fewer than the {len(self.values)} values"
        _check_count(owner, "the number of boundaries", self.boundaries, len(self.values) - 1, rule)
        if on_host(self.boundaries):
            _checks.increasing(owner, "boundaries", self.boundaries, least=1)

    @classmethod
    def from_factors(
        cls,
        init_value: RealScalarLike,
        boundaries: Sequence[DurationLike],
        factors: Sequence[RealScalarLike],
    ) -> "PiecewiseConstant":
        """A table that begins at `init_value`; each boundary multiplies by its factor.

        Args:
          init_value: the first value; finite, not negative.
          boundaries: optimizer steps at which the factors take effect; increasing, above 0.
          factors: multipliers, one for each boundary; finite, not negative.

        Returns:
          A `PiecewiseConstant`.

        Raises:
          ValueError: if a number is out of its range, or the counts do not fit.
        """
        boundaries = _checks.items("PiecewiseConstant", "boundaries", boundaries, "steps")
        factors = _checks.items("PiecewiseConstant", "factors", factors, "numbers")
        rule = f"one for each of the {len(boundaries)} boundaries"
        _check_count("PiecewiseConstant", "the number of factors", factors, len(boundaries), rule)
        _checks.number("PiecewiseConstant", "init_value", init_value, least=0)
        values = [_checks.real(init_value)]
        for factor in map(_checks.real, factors):
            _checks.number("PiecewiseConstant", "factors", factor, least=0)
            values.append(values[-1] * factor)
        return cls(boundaries, values)

    @property
    def steps(self) -> DurationLike:
        return _last(self.boundaries) if np.shape(self.boundaries)[-1] else 0

    def value_at(self, step: Array) -> Array:
        bounds = as_int(self.boundaries)
        k = last_reached(jnp.concatenate([jnp.zeros(1, bounds.dtype), bounds]), step)
        return row(as_float(self.values), k)


class Interpolated(Schedule):
    """Given values at given steps, and the same shape between each two of them.

    `value(t) = shape(values[k], values[k + 1], knots[k + 1] - knots[k])(t - knots[k])` for
    `knots[k] <= t < knots[k + 1]`; the first value holds before the first knot, the last one after
    the last knot. The length is the last knot.

    Args:
      knots: optimizer steps of the values; increasing, from 0 up.
      values: one for each knot; finite, not negative.
      shape: a segment class (`Linear`, `Cosine`, ...), or any function
        `(init_value, end_value, steps) -> Schedule` of that length, such as
        `functools.partial(anneal.Polynomial, power=1.2)`.

    Raises:
      ValueError: at construction, if a number is out of its range, or the counts do not fit.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Interpolated([0, 10, 30], [0.0, 1.0, 0.5])([0, 5, 10, 20, 40]))
        [0.   0.5  1.   0.75 0.5 ]
    """

    knots: Any = eqx.field(converter=_table("Interpolated", "knots", np.int64), metadata=WHOLE)
    values: Any = eqx.field(converter=_table("Interpolated", "values", np.float64))
    shape: Shape = eqx.field(default=Linear, static=True)

    def __check_init__(self) -> None:
        shape = as_shape("Interpolated", "shape", self.shape)
        _check_values("Interpolated", self.values)
        rule = f"one for each of the {len(self.values)} values"
        _check_count("Interpolated", "the number of knots", self.knots, len(self.values), rule)
        if on_host(self.knots):
            _checks.increasing("Interpolated", "knots", self.knots, least=0)
        if on_host(self.values):
            for value in (self.values.min().item(), self.values.max().item()):
                shape(value, value, 1)  # some shapes admit no zero, and say so

    @property
    def steps(self) -> DurationLike:
        return _last(self.knots)

    def value_at(self, step: Array) -> Array:
        knots, values = as_int(self.knots), as_float(self.values)
        k = last_reached(knots.at[0].set(0), step)
        after = lax.min(k + 1, as_int(len(self.values) - 1))
        begin, end = row(knots, k), row(knots, after)
        segment = self.shape(row(values, k), row(values, after), end - begin)
        value = segment.value_at(lax.max(step - begin, as_int(0)))
        return select(step < knots[0], values[0], value)


def _last(steps: Any) -> Number:
    last = steps[..., -1]
    return int(last) if on_host(steps) and np.ndim(last) == 0 else last
