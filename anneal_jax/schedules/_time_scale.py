"""TimeScale: a stretch of time, and which fields of a schedule it changes.

`optax.scale` multiplies values; this multiplies durations. A field that holds a duration says so
in its metadata (`WHOLE`, `DIVISOR`, `REAL`, `OTHER`), so stretching is one method of the base
class, and `Repeat`, which lays out many cycles of different lengths, knows which leaves differ
between them.

Everything works element by element: a scale may hold an array of ratios (one for each cycle), and
a schedule may be a stack (one row for each segment), on the host as well as in a traced program.
Missing axes are added at the end, as in `numpy.vectorize`, not at the front.
"""

import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._numerics import (
    MAX_STEP,
    Number,
    largest,
    on_host,
    plus,
    product,
    scale_int,
    scale_known,
)

_KEY = "stretch"
WHOLE = {_KEY: "whole"}  # whole steps: a length, or positions such as boundaries
DIVISOR = {_KEY: "divisor"}  # whole steps that something is divided by: at least 1
REAL = {_KEY: "real"}  # a duration that need not be whole
OTHER = {_KEY: "other"}  # the class moves it by a rule of its own


class TimeScale(eqx.Module):
    """A stretch of time by `numerator / denominator`, for what begins at step `origin`.

    A position (a boundary between phases) moves to the nearest integer step, halves upwards; the
    length of a phase is the difference of its moved ends. So phases always join, and a stretched
    schedule ends exactly where its stretched length says.
    """

    numerator: Number
    denominator: Number
    origin: Number = 0

    def __call__(self, steps: Number) -> Number:
        """The stretched length, in whole steps, of `steps` steps that begin at the origin.

        Known numbers may come out above 2**31 - 1, which `longest` finds; traced ones do not.
        """
        return self._place(steps) - self._place(0 * steps)

    def fits(self, steps: Number) -> Number:
        """Whether the place `steps` after the origin comes to lie before step 2**31 - 1."""
        return self._place(steps) < MAX_STEP

    def at(self, position: Number) -> "TimeScale":
        """The same stretch for what begins `position` steps after the origin."""
        top, bottom, origin = self._beside(position)
        return TimeScale(top, bottom, plus(origin, position))

    def from_zero(self) -> "TimeScale":
        """The same stretch with origin 0, for what has no position of its own, such as a period."""
        return TimeScale(self.numerator, self.denominator)

    def real(self, steps: Number) -> Number:
        """The stretched length of a duration that need not be whole, not rounded."""
        top, bottom, _ = self._beside(steps)
        return product(steps, 1) * (product(1.0, top) / product(1.0, bottom))

    def moved(self, kind: str, value: Number) -> Number:
        """The value of a field, stretched by the rule for its `kind` of duration."""
        match kind:
            case "whole":
                return self(value)
            case "divisor":
                return largest(self(value), 1)
            case "real":
                return self.real(value)
        raise NotImplementedError(f"no rule stretches a duration of kind {kind!r}")

    def _place(self, steps: Number) -> Number:
        """The stretched position of what is `steps` after the origin."""
        top, bottom, origin = self._beside(steps)
        scaled = scale_known if on_host(steps, top, bottom, origin) else scale_int
        return scaled(plus(origin, steps), top, bottom)

    def _beside(self, other: Number) -> list[Number]:
        """Numerator, denominator and origin with as many axes as `other`, new ones at the end."""
        return [with_axes_of(x, other) for x in (self.numerator, self.denominator, self.origin)]


def with_axes_of(x: Number, other: Number) -> Number:
    """`x` with axes of length 1 added at its end, up to those of `other`; a scalar stays one."""
    missing = np.ndim(other) - np.ndim(x)
    if np.ndim(x) == 0 or missing <= 0:
        return x
    return x.reshape(x.shape + (1,) * missing)


def kind_of(field: Any) -> str | None:
    """Which kind of duration a dataclass field holds; None if it holds none."""
    return field.metadata.get(_KEY)


def is_count(value: Any) -> bool:
    """Whether `value` is a whole number, or an array of such."""
    return _is_of(value, int, jnp.integer)


def is_real(value: Any) -> bool:
    """Whether `value` is a float, or an array of such."""
    return _is_of(value, float, jnp.floating)


def _is_of(value: Any, scalar: type, kind: Any) -> bool:
    if isinstance(value, jax.Array | np.ndarray | np.generic):
        return jnp.issubdtype(value.dtype, kind)
    return isinstance(value, scalar) and not isinstance(value, bool)


def durations(tree: Any) -> Any:
    """For each leaf of a schedule (or of a tuple of schedules), whether it is a duration."""
    if not _is_module(tree):
        return jax.tree.map(lambda x: _is_module(x) and durations(x), tree, is_leaf=_is_module)
    marks = {}
    for name, field in tree.__dataclass_fields__.items():
        value = getattr(tree, name)
        if not field.metadata.get("static"):
            marks[name] = (
                jax.tree.map(lambda _: True, value)
                if kind_of(field) or is_count(value)  # unmarked: `stretched` has a rule for it
                else durations(value)
            )
    return replaced(tree, **marks)


def longest(stretched: Any, axes: int = 0) -> Any:
    """The largest count in a stretched schedule that is known now, in each of its rows.

    Rows are along the first `axes` axes. Counts above 2**31 - 1 are out of reach.
    """
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(stretched) if on_host(leaf)]
    counts = [x for x in leaves if np.issubdtype(x.dtype, np.signedinteger)]  # no random bits
    tops = (np.max(x, axis=tuple(range(axes, x.ndim)), initial=0) for x in counts)
    return functools.reduce(np.maximum, tops, 0)


def replaced(module: Any, **fields: Any) -> Any:
    """`module` with new values in some fields, not checked (they may be arrays or marks)."""
    names = list(fields)
    if not names:
        return module
    return eqx.tree_at(
        lambda m: [getattr(m, name) for name in names],
        module,
        [fields[name] for name in names],
        is_leaf=lambda x: x is None,
    )


def _is_module(x: Any) -> bool:
    return isinstance(x, eqx.Module)
