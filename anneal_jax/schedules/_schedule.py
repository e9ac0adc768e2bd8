"""What a schedule is: a frozen pytree of hyperparameters, callable on a step.

A `Schedule` answers three questions about an optimizer step `t` (0-based, the step about to
be taken): its value, the cycle it belongs to, and how many steps the schedule is long. It has
no state, so the same object serves a train loop, a plot, a sweep under `vmap`, a gradient
with respect to its own hyperparameters, and a checkpoint.

To write one, give its fields and `value_at` for one scalar step; shapes, integer dtypes,
negative steps, compilation, algebra and composition come with the base class.
"""

import abc
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .. import _checks
from .._numerics import (
    Number,
    as_array,
    as_float,
    as_int,
    as_step,
    is_concrete,
    product,
    scale_int,
)

Array = jax.Array

# What the verbs of Schedule build. The classes live above this module (in _algebra and
# _compose, which import it), so they enter themselves here and no import runs in a circle.
_VERBS: dict[str, Callable[..., "Schedule"]] = {}


def verb(build: Callable[..., Any]) -> Callable[..., Any]:
    """Enter `build` as what `Schedule.<its name>` calls."""
    _VERBS[build.__name__.strip("_")] = build
    return build


class Scale(eqx.Module):
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
        start = scale_int(self.origin, self.numerator, self.denominator)
        return scale_int(_plus(self.origin, steps), self.numerator, self.denominator) - start

    def at(self, position: Number) -> "Scale":
        """The same stretch for what begins at `position` from here."""
        return Scale(self.numerator, self.denominator, _plus(self.origin, position))

    def real(self, steps: Number) -> Number:
        """The stretched length of a duration that need not be whole."""
        ratio = product(1.0, self.numerator) / product(1.0, self.denominator)
        return product(steps, 1) * ratio


class Schedule(eqx.Module):
    """A value for every optimizer step; the abstract base of all schedules.

    A schedule is a frozen Equinox module (a pytree), so it works under `jit`, `vmap`, `grad`
    and `scan`, compares and hashes by value, prints, pickles, and is an `optax.Schedule`.

    Example:
        >>> import anneal_jax as anneal
        >>> schedule = anneal.Linear(0.0, 1.0, steps=4).then(anneal.Cosine(1.0, 0.0, steps=4))
        >>> print(schedule([0, 2, 4, 6, 8, 100]).round(3))
        [0.  0.5 1.  0.5 0.  0. ]
    """

    if TYPE_CHECKING:

        @property
        def steps(self) -> Number:
            """The length in optimizer steps; None: open-ended."""
    else:  # a field in some classes, a property in others
        steps: eqx.AbstractVar[Number]

    @abc.abstractmethod
    def value_at(self, step: Array) -> Array:
        """The value at one step: a non-negative scalar integer in, a scalar float out."""

    @property
    def has_restarts(self) -> bool:
        """Whether any part of this schedule begins new cycles."""
        return False

    def cycle_at(self, step: Array) -> Array:
        """The 0-based cycle of one step; schedules without restarts have one cycle."""
        return jnp.zeros_like(step)

    @abc.abstractmethod
    def stretched(self, scale: Scale) -> "Schedule":
        """This schedule with every duration passed through `scale`."""

    def __call__(self, step: Number) -> Array:
        """The value at `step`.

        Args:
          step: 0-based optimizer step(s): a Python int or integers of any dtype and shape.
            Negative steps read as 0; past its end a schedule holds its last value, unless it
            says otherwise.

        Returns:
          float32 (float64 with x64 on) in the shape of `step`.

        Raises:
          TypeError: if `step` is not integer.
          OverflowError: if `step` is a Python or NumPy number that the counter cannot hold.
        """
        return _evaluate(self, as_step(step))

    def cycle(self, step: Number) -> Array:
        """The 0-based index of the cycle that `step` is in, as integers in its shape.

        The index rises exactly at restarts, by one, or by more where several parts of a
        composition restart at the same step.
        """
        return _cycles(self, as_step(step))

    def is_restart(self, step: Number) -> Array:
        """Whether a new cycle begins at `step`, as booleans in its shape; False at step 0."""
        step = as_step(step)
        return _cycles(self, step) != _cycles(self, jnp.maximum(step - 1, 0))

    def as_arrays(self) -> "Schedule":
        """The same schedule with every hyperparameter a strongly typed array.

        That is the form for an optimizer state, for `jax.grad` with respect to the
        hyperparameters, and for stacking schedules into a batch.
        """
        return jax.tree.map(as_array, self)

    # Composition; what these build stands in _compose and _algebra.

    def then(self, *others: "Schedule") -> "Schedule":
        """This schedule for its `steps`, then each of `others` in turn; see `join`."""
        return _VERBS["then"](self, *others)

    def repeat(
        self,
        cycles: Number | None = None,
        steps_factor: Number = 1,
        value_factor: Number = 1.0,
        *,
        periods: Sequence[int] | None = None,
        floor: "Schedule | Number | None" = None,
        floor_factor: Number = 1.0,
    ) -> "Schedule":
        """This schedule again and again, each cycle stretched and scaled; see `repeat`."""
        more = {"periods": periods, "floor": floor, "floor_factor": floor_factor}
        return _VERBS["repeat"](self, cycles, steps_factor, value_factor, **more)

    def clip(self, lower: Number | None = None, upper: Number | None = None) -> "Schedule":
        """This schedule kept between `lower` and `upper`; None leaves a side open."""
        return _VERBS["clip"](self, lower, upper)

    def shift(self, steps: Number) -> "Schedule":
        """This schedule `steps` later (its first value waits) or, below 0, that much earlier."""
        return _VERBS["shift"](self, steps)

    def every(self, interval: Number) -> "Schedule":
        """This schedule in slow motion: its next value every `interval` steps.

        For schedules that count epochs: `schedule.every(steps_per_epoch)` holds each value for
        an epoch.
        """
        return _VERBS["every"](self, interval)

    def until(self, end: Number) -> "Schedule":
        """This schedule up to step `end`, whose value then holds: it is `end` steps long."""
        return _VERBS["until"](self, end)

    def noise(
        self,
        key: Any,
        std: Number = 1.0,
        kind: str = "normal",
        range: tuple[int, int | None] | None = None,  # noqa: A002  # timm's name for it
        *,
        limit: Number = 0.67,
    ) -> "Schedule":
        """This schedule times 1 plus random noise, drawn for each step from `key`; see `Noise`."""
        return _VERBS["noise"](self, key, std, kind, range, limit)

    def reverse(self) -> "Schedule":
        """This schedule backwards in time: a decay shape becomes a warmup shape."""
        return _VERBS["reverse"](self)

    def stretch(self, factor: Number) -> "Schedule":
        """This schedule `factor` times as long.

        Boundaries move to the nearest integer step, halves upwards, and phases are rebuilt
        between them: nothing is evaluated at fractional steps, so values at ends, peaks and
        joins stay exact. The length becomes `round(factor * steps)`.
        """
        return _VERBS["stretch"](self, factor)

    def __add__(self, other: "Schedule | Number") -> "Schedule":
        return _VERBS["add"](self, other)

    def __radd__(self, other: Number) -> "Schedule":
        return _VERBS["add"](other, self)

    def __mul__(self, other: "Schedule | Number") -> "Schedule":
        return _VERBS["multiply"](self, other)

    def __rmul__(self, other: Number) -> "Schedule":
        return _VERBS["multiply"](other, self)

    def __sub__(self, other: "Schedule | Number") -> "Schedule":
        return _VERBS["add"](self, -other)

    def __rsub__(self, other: Number) -> "Schedule":
        return _VERBS["add"](other, -self)

    def __neg__(self) -> "Schedule":
        return _VERBS["multiply"](-1.0, self)

    def __pow__(self, exponent: Number) -> "Schedule":
        return _VERBS["power"](self, exponent)

    def __truediv__(self, other: Number) -> "Schedule":
        _checks.number("Schedule", "the divisor", other)
        if _checks.known(other) and float(other) == 0:
            _checks.fail("Schedule", "the divisor", "a number other than 0", other, "correct it")
        return _VERBS["multiply"](self, 1.0 / other)

    # Value semantics.

    def arguments(self) -> dict[str, Any]:
        """What to pass to the constructor (or builder) to get this schedule again."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def __repr__(self) -> str:
        inner = ", ".join(f"{name}={_short(value)}" for name, value in self.arguments().items())
        return f"{type(self).__name__}({inner})"

    def __hash__(self) -> int:
        leaves, structure = jax.tree.flatten(self)
        parts = (x.tobytes() if isinstance(x, np.ndarray | jax.Array) else x for x in leaves)
        return hash((structure, *parts))


def _plus(a: Number, b: Number) -> Number:
    return a + b if is_concrete(a, b) else as_int(a) + as_int(b)


@jax.jit
def _evaluate(schedule: Schedule, step: Array) -> Array:
    return jnp.vectorize(schedule.value_at)(step)


@jax.jit
def _cycles(schedule: Schedule, step: Array) -> Array:
    first = schedule.cycle_at(jnp.zeros((), step.dtype))  # parts without steps come before it
    return jnp.vectorize(schedule.cycle_at)(step) - first


def _short(value: Any) -> str:
    if isinstance(value, jax.Array | np.ndarray) and _checks.known(value) and value.ndim == 1:
        value = value.tolist()
    if isinstance(value, list) and len(value) > 6:
        shown = ", ".join(_short(v) for v in (*value[:3], "...", value[-1]))
        return f"[{shown}] ({len(value)})".replace("'...'", "...")
    if isinstance(value, list):
        return f"[{', '.join(_short(v) for v in value)}]"
    if isinstance(value, jax.Array | np.ndarray) and _checks.known(value) and value.ndim == 0:
        return repr(value.item())
    return value.__name__ if isinstance(value, type) else repr(value)


class Constant(Schedule):
    """The same value at every step.

    `value(t) = value`

    Args:
      value: any finite number (a negative one serves the algebra, as in `schedule - 1.0`).
      steps: its length where it is a phase between others; None: open-ended.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Constant(0.5)(10))
        0.5
    """

    value: Number = eqx.field(converter=_checks.real)
    steps: Number | None = eqx.field(default=None, converter=_checks.whole)

    def __check_init__(self) -> None:
        _checks.number("Constant", "value", self.value)
        if self.steps is not None:
            _checks.steps("Constant", "steps", self.steps)

    def value_at(self, step: Array) -> Array:
        del step
        return as_float(self.value)

    def stretched(self, scale: Scale) -> "Constant":
        return Constant(self.value, None if self.steps is None else scale(self.steps))


class Function(Schedule):
    """Any function of the step as a schedule, for instance one of Optax's.

    `value(t) = function(t)`

    The function is called with a scalar int32 tracer; it is part of the program, so changing
    it recompiles, and it cannot be saved by `to_config` nor stretched.

    Args:
      function: traceable by JAX; takes a step, returns a scalar.

    Example:
        >>> import anneal_jax as anneal, optax
        >>> schedule = 0.5 * anneal.as_schedule(optax.constant_schedule(1.0))
        >>> print(schedule(3))
        0.5
    """

    function: Callable[[Array], Any] = eqx.field(static=True)

    @property
    def steps(self) -> None:
        return None

    def value_at(self, step: Array) -> Array:
        return as_float(self.function(step))

    def stretched(self, scale: Scale) -> "Schedule":
        raise NotImplementedError(
            f"Function: {self.function!r} cannot be stretched, its durations are out of sight; "
            "build it from anneal_jax schedules."
        )


def as_schedule(x: Schedule | Number | Callable[[Array], Any]) -> Schedule:
    """`x` as a schedule: schedules pass, numbers become `Constant`, functions `Function`."""
    if isinstance(x, Schedule):
        return x
    return Function(x) if callable(x) else Constant(x)
