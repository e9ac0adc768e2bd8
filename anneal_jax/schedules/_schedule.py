"""What a schedule is: a frozen pytree of hyperparameters, callable on a step.

A `Schedule` answers three questions about an optimizer step `t` (counted from 0; the step about
to be taken): its value, the cycle it belongs to, and how many steps the schedule is long. It has
no state, so the same object serves a train loop, a plot, a sweep under `vmap`, a gradient with
respect to its own hyperparameters, and a checkpoint.

To write one, give its fields and `value_at` for one scalar step, and mark fields that hold
durations with `eqx.field(metadata=anneal_jax.schedules.WHOLE)`; the docstring of
`anneal_jax.schedules` has an example. Shapes, integer dtypes, negative steps, compilation, algebra
and composition come with the base class.
"""

import abc
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .. import _checks
from .._deprecated import renamed
from .._horizon import Horizon
from .._numerics import as_array
from .._types import (
    Array,
    Counts,
    DurationLike,
    Flags,
    IntScalarLike,
    RealScalarLike,
    StepLike,
    Values,
)
from ._evaluation import as_step, cycles, evaluate
from ._time_scale import TimeScale, is_count, is_real, kind_of, replaced

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Schedule(eqx.Module):
    """A value for every optimizer step; the abstract base class of all schedules.

    A schedule is a frozen Equinox module (a pytree), so it works under `jit`, `vmap`, `grad` and
    `scan`, can be compared, hashed, printed and pickled by its values, and is an `optax.Schedule`.
    To write one, give its fields, `steps` (a field or a property; None: open-ended) and `value_at`
    for one scalar step, and mark fields that hold durations with
    `eqx.field(metadata=anneal_jax.schedules.WHOLE)`; docs/writing_a_schedule.md shows each kind.

    Example:
        >>> import anneal_jax as anneal
        >>> schedule = anneal.Linear(0.0, 1.0, steps=4).then(anneal.Cosine(1.0, 0.0, steps=4))
        >>> print(schedule([0, 2, 4, 6, 8, 100]).round(3))
        [0.  0.5 1.  0.5 0.  0. ]
    """

    if TYPE_CHECKING:

        @property
        def steps(self) -> DurationLike | None:
            """The length in optimizer steps; None: open-ended."""
    else:  # a field in some classes, a property in others
        steps: eqx.AbstractVar[DurationLike | None]

    @abc.abstractmethod
    def value_at(self, step: Array) -> Array:
        """The value at one step: a non-negative scalar integer in, a scalar float out."""

    @property
    def has_restarts(self) -> bool:
        """Whether any part of this schedule begins new cycles."""
        return any(part.has_restarts for part in self._parts())

    def cycle_at(self, step: Array) -> Array:
        """The cycle, counted from 0, that one step is in; always 0 without restarts.

        That of the schedules among the fields, which are taken to be asked about the same step.
        """
        return sum((part.cycle_at(step) for part in self._parts()), jnp.zeros_like(step))

    def _parts(self) -> list["Schedule"]:
        """The fields that are schedules."""
        fields = (getattr(self, name) for name in self.__dataclass_fields__)
        return [value for value in fields if isinstance(value, Schedule)]

    def stretched(self, scale: TimeScale) -> "Schedule":
        """This schedule with every duration passed through `scale`; for `stretch` and `repeat`.

        A field that holds a duration is marked: `steps: int = eqx.field(metadata=WHOLE)`. Fields
        that are schedules are stretched too.

        Raises:
          NotImplementedError: if a whole number, or what is called `steps`, `..._steps` or
            `timescale`, is not marked, since it may be a duration; if `WHOLE` marks a float.
        """
        moved = {}
        for name, field in self.__dataclass_fields__.items():
            value, kind = getattr(self, name), kind_of(field)
            if isinstance(value, Schedule):
                moved[name] = value.stretched(scale)
            elif kind in ("whole", "divisor") and is_real(value):
                raise NotImplementedError(
                    f"{type(self).__name__}: {name} must be a whole number where it is marked "
                    f"WHOLE, got {_short(value)}; pass an integer, or mark it by "
                    "eqx.field(metadata=anneal_jax.schedules.REAL)."
                )
            elif kind is not None and value is not None:
                moved[name] = scale.moved(kind, value)
            elif kind is None and (is_count(value) or (is_real(value) and _is_duration(name))):
                raise NotImplementedError(
                    f"{type(self).__name__}: {name} may be a duration or not; mark it by "
                    "eqx.field(metadata=anneal_jax.schedules.WHOLE), or REAL if it need not be "
                    "whole, and if it moves by a rule of its own also define `stretched`."
                )
        return replaced(self, **moved)

    def __call__(self, step: StepLike) -> Values:
        """The value at `step`.

        Args:
          step: optimizer step(s), counted from 0: a Python int, or integers of any dtype and shape.
            Negative steps count as 0. After its end a schedule holds its last value, unless its
            class says otherwise.

        Returns:
          float32 (float64 with x64 on) in the shape of `step`.

        Raises:
          TypeError: if `step` is not an integer.
          OverflowError: if `step` is a Python or NumPy number above the largest int32 (int64 with
            x64 on).
        """
        return evaluate(self, as_step(step))

    def cycle(self, step: StepLike) -> Counts:
        """The index, counted from 0, of the cycle that `step` is in: integers in its shape.

        The index rises exactly at restarts: by one, or by more where several parts of a composition
        restart at the same step.
        """
        return cycles(self, as_step(step))

    def is_restart(self, step: StepLike) -> Flags:
        """Whether a new cycle begins at `step`, as booleans in its shape; False at step 0."""
        step = as_step(step)
        return cycles(self, step) != cycles(self, jnp.maximum(step - 1, 0))

    def as_arrays(self) -> "Schedule":
        """The same schedule with every hyperparameter as a strongly typed array.

        An optimizer state and a stack of schedules need this form. For gradients with respect to
        the hyperparameters take `eqx.filter_grad`, which leaves integers (the lengths) alone.
        """
        return jax.tree.map(as_array, self)

    # Composition. What these build stands in modules that import this one, so each is imported
    # where it is used: a circle that is drawn in the open (tests/test_imports.py names it).

    def then(self, *others: "Schedule") -> "Schedule":
        """This schedule for its `steps`, then each of `others` in turn; see `anneal_jax.join`."""
        from ._join import then

        return then(self, *others)

    def repeat(
        self,
        cycles: IntScalarLike | None = None,
        steps_factor: RealScalarLike = 1,
        value_factor: RealScalarLike = 1.0,
        *,
        periods: Sequence[DurationLike] | None = None,
        floor: "Schedule | RealScalarLike | None" = None,
        floor_factor: RealScalarLike | None = None,
    ) -> "Schedule":
        """This schedule repeated, each cycle stretched and scaled; see `anneal_jax.repeat`."""
        from ._repeat import repeat

        factors = {"floor": floor, "floor_factor": floor_factor}
        return repeat(self, cycles, steps_factor, value_factor, periods=periods, **factors)

    def clip(
        self, lower: RealScalarLike | None = None, upper: RealScalarLike | None = None
    ) -> "Schedule":
        """This schedule kept between `lower` and `upper`; None: no bound on that side."""
        from ._algebra import Clip

        return Clip(self, lower, upper)

    def shift(self, steps: DurationLike) -> "Schedule":
        """This schedule `steps` later, its first value held until then; if below 0, earlier."""
        from ._time import Shift

        return Shift(self, steps)

    def every(self, interval: DurationLike) -> "Schedule":
        """This schedule slowed down: it moves on to its next value every `interval` steps.

        For schedules that count epochs: `schedule.every(steps_per_epoch)` holds each value for
        an epoch.
        """
        from ._time import Every

        return Every(self, interval)

    def until(self, end: DurationLike) -> "Schedule":
        """This schedule up to step `end`, where it ends and holds its value."""
        from ._time import Until

        return Until(self, end)

    @renamed(kind="distribution")
    def noise(
        self,
        key: Any,
        std: RealScalarLike | None = None,
        distribution: Literal["normal", "uniform"] = "normal",
        range: tuple[DurationLike, DurationLike | None] | None = None,  # noqa: A002  # timm's name, deprecated
        *,
        begin: DurationLike = 0,
        end: DurationLike | None = None,
        limit: RealScalarLike = 0.67,
    ) -> "Schedule":
        """This schedule times 1 plus random noise, drawn for each step from `key`; see `Noise`."""
        from ._noise import noise

        return noise(self, key, std, distribution, range, begin, end, limit)

    def reverse(self) -> "Schedule":
        """This schedule backwards in time: a decay shape becomes a warmup shape."""
        from ._time import Reverse

        return Reverse(self)

    def stretch(self, factor: RealScalarLike) -> "Schedule":
        """This schedule `factor` times as long: `round(factor * steps)` steps (halves upwards).

        Boundaries between phases move to the nearest integer step, halves upwards, and each phase
        is rebuilt between its moved ends. So nothing is evaluated at fractional steps, and the
        values at ends, peaks and joins stay exact.

        Raises:
          ValueError: if `factor` is not above 0, or a length or boundary comes out above 2**31 - 1
            (but for cycles that grow without end).
        """
        from ._time import stretch

        return stretch(self, factor)

    def plot(
        self,
        ax: "Axes | None" = None,
        *,
        steps: IntScalarLike | None = None,
        horizon: Horizon | None = None,
        unit: str | None = None,
        log: bool = False,
        second: "Schedule | Mapping[str, Schedule] | None" = None,
        name: str = "learning rate",
        marks: bool | None = None,
    ) -> "Axes":
        """A picture of this schedule, in matplotlib axes, which are returned; see `anneal.plot`."""
        from ..pictures._plot import plot

        look: Any = {"log": log, "second": second, "name": name, "marks": marks}
        return plot(self, ax, steps=steps, horizon=horizon, unit=unit, **look)

    def __add__(self, other: "Schedule | RealScalarLike") -> "Schedule":
        from ._algebra import Sum

        return Sum(self, other)

    def __radd__(self, other: RealScalarLike) -> "Schedule":
        from ._algebra import Sum

        return Sum(other, self)

    def __mul__(self, other: "Schedule | RealScalarLike") -> "Schedule":
        from ._algebra import Product

        return Product(self, other)

    def __rmul__(self, other: RealScalarLike) -> "Schedule":
        from ._algebra import Product

        return Product(other, self)

    def __sub__(self, other: "Schedule | RealScalarLike") -> "Schedule":
        return self + (-other)

    def __rsub__(self, other: RealScalarLike) -> "Schedule":
        return other + (-self)

    def __neg__(self) -> "Schedule":
        return -1.0 * self

    def __pow__(self, exponent: RealScalarLike) -> "Schedule":
        from ._algebra import Power

        return Power(self, exponent)

    def __truediv__(self, other: RealScalarLike) -> "Schedule":
        _checks.number("Schedule", "the divisor", other)
        if _checks.known(other) and float(other) == 0:
            _checks.fail("Schedule", "the divisor", "a number other than 0", other, "correct it")
        return self * (1.0 / other)

    # Value semantics.

    def arguments(self) -> dict[str, Any]:
        """The arguments that the constructor (or builder) needs to make this schedule again."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def __repr__(self) -> str:
        try:
            given = self.arguments().items()
        except (AttributeError, IndexError, TypeError):  # its leaves are shardings, or left out
            return super().__repr__()
        inner = ", ".join(f"{name}={_short(value)}" for name, value in given)
        return f"{type(self).__name__}({inner})"

    def _repr_html_(self) -> str | None:
        """What a notebook shows: the curve and its key figures; None: `repr`, as of a batch."""
        from ..pictures._html import html

        return html(self)

    def __hash__(self) -> int:
        leaves, structure = jax.tree.flatten(self)
        parts = (x.tobytes() if isinstance(x, np.ndarray | jax.Array) else x for x in leaves)
        return hash((structure, *parts))


def _is_duration(name: str) -> bool:
    """Whether a field of this name can hold nothing but a duration, as far as anyone would say."""
    return name in ("steps", "timescale") or name.endswith("_steps")


def _short(value: Any) -> str:
    """A hyperparameter on one line; of tracers and batches the type and shape."""
    if isinstance(value, jax.Array | np.ndarray):
        if not _checks.known(value) or value.ndim > 1:
            return eqx.tree_pformat(value, short_arrays=True, struct_as_array=True)
        value = value.tolist()
    if isinstance(value, list) and len(value) > 6:
        shown = ", ".join(_short(v) for v in (*value[:3], "...", value[-1]))
        return f"[{shown}] ({len(value)})".replace("'...'", "...")
    if isinstance(value, list):
        return f"[{', '.join(_short(v) for v in value)}]"
    return value.__name__ if isinstance(value, type) else repr(value)
