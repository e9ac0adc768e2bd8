"""TimeScale: a stretch of time, and which fields of a schedule it moves.

`optax.scale` multiplies values; this multiplies durations. A field that holds a duration says so
in its metadata (`WHOLE`, `DIVISOR`, `REAL`, `OTHER`), so stretching is one method of the base
class, and what lays out many cycles of different lengths knows which leaves differ between them.

All of it works element by element: a scale may hold a row of ratios (one for each cycle), and a
schedule may be a stack (one row for each segment), on the host as well as in a traced program.
Axes that are missing are those behind, as in `numpy.vectorize`, not in front.
"""

from typing import Any

import equinox as eqx
import jax
import numpy as np

from .._numerics import Number, as_int, largest, on_host, product, scale_int

_KEY = "stretch"
WHOLE = {_KEY: "whole"}  # whole steps: a length, or positions such as boundaries
DIVISOR = {_KEY: "divisor"}  # whole steps that something is divided by: at least 1
REAL = {_KEY: "real"}  # a duration that need not be whole
OTHER = {_KEY: "other"}  # the class moves it by a rule of its own


class TimeScale(eqx.Module):
    """A stretch of time by `numerator / denominator`, seen from `origin`.

    A position (a boundary between phases) moves to the nearest integer, halves upwards; the
    length of a phase is the difference of its moved ends. So phases always join, and a
    stretched schedule ends exactly where its stretched length says.
    """

    numerator: Number
    denominator: Number
    origin: Number = 0

    def __call__(self, steps: Number) -> Number:
        """The stretched length of `steps` steps that begin at the origin."""
        top, bottom, origin = self._beside(steps)
        start = scale_int(origin, top, bottom)
        return scale_int(_plus(origin, steps), top, bottom) - start

    def at(self, position: Number) -> "TimeScale":
        """The same stretch for what begins at `position` from here."""
        top, bottom, origin = self._beside(position)
        return TimeScale(top, bottom, _plus(origin, position))

    def from_zero(self) -> "TimeScale":
        """The same stretch for what has no place of its own, such as a period."""
        return TimeScale(self.numerator, self.denominator)

    def real(self, steps: Number) -> Number:
        """The stretched length of a duration that need not be whole."""
        top, bottom, _ = self._beside(steps)
        return product(steps, 1) * (product(1.0, top) / product(1.0, bottom))

    def moved(self, kind: str, value: Number) -> Number:
        """A field's value, stretched by the rule of its `kind` of duration."""
        if kind == "real":
            return self.real(value)
        return self(value) if kind == "whole" else largest(self(value), 1)

    def _beside(self, other: Number) -> list[Number]:
        """Numerator, denominator and origin with as many axes as `other`, new ones behind."""
        return [with_axes_of(x, other) for x in (self.numerator, self.denominator, self.origin)]


def with_axes_of(x: Number, other: Number) -> Number:
    """`x` with axes of length 1 behind its own, as many as `other` has; one number stays one."""
    missing = np.ndim(other) - np.ndim(x)
    if np.ndim(x) == 0 or missing <= 0:
        return x
    return x.reshape(x.shape + (1,) * missing)


def kind_of(field: Any) -> str | None:
    """Which kind of duration a dataclass field holds; None: no duration."""
    return field.metadata.get(_KEY)


def durations(tree: Any) -> Any:
    """For each leaf of a schedule (or of a tuple of some) whether it is a duration."""
    if not _is_module(tree):
        return jax.tree.map(lambda x: _is_module(x) and durations(x), tree, is_leaf=_is_module)
    marks = {}
    for name, field in tree.__dataclass_fields__.items():
        value = getattr(tree, name)
        if not field.metadata.get("static"):
            marks[name] = (
                jax.tree.map(lambda _: True, value) if kind_of(field) else durations(value)
            )
    return replaced(tree, **marks)


def replaced(module: Any, **fields: Any) -> Any:
    """`module` with other values in some fields, unchecked (they may be rows, or marks)."""
    names = list(fields)
    if not names:
        return module
    return eqx.tree_at(
        lambda m: [getattr(m, name) for name in names],
        module,
        [fields[name] for name in names],
        is_leaf=lambda x: x is None,
    )


def _plus(a: Number, b: Number) -> Number:
    return a + b if on_host(a, b) else as_int(a) + as_int(b)


def _is_module(x: Any) -> bool:
    return isinstance(x, eqx.Module)
