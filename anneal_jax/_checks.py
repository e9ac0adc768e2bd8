"""Validation at construction: one sentence that names object, argument, rule, value and remedy.

Only values that are known now are checked. A tracer passes: its value is not known yet, and a
host callback in the train step would cost more than it saves.
"""

import contextlib
import difflib
import reprlib
from collections.abc import Iterable
from typing import Any, NoReturn, TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from ._numerics import MAX_STEP, Number, fetched, float_dtype

_SHORT = reprlib.Repr()  # of long collections a few items
_SHORT.maxlevel, _SHORT.maxlist, _SHORT.maxtuple, _SHORT.maxdict = 4, 8, 8, 6
_SHORT.maxstring = _SHORT.maxother = 90
_LARGEST_DOUBLE = int(np.finfo(np.float64).max)
_MOST_NAMES = 8  # in one message


def known(*values: Number) -> bool:
    """Whether none of `values` is a tracer."""
    return not any(isinstance(v, Tracer) for v in values)


T = TypeVar("T")  # a converter's argument: a checker reads from it what a constructor takes


def unboxed(x: Any) -> Any:
    """A Python number for a known array without axes, on the host or on a device."""
    x = fetched(x)
    return x.item() if isinstance(x, np.ndarray) and x.ndim == 0 else x


def real(x: T) -> T:
    """Field converter: numbers known now to float; `number` checks everything else."""
    given: Any = unboxed(x)
    if isinstance(given, int | float | np.integer | np.floating) and not isinstance(given, bool):
        with contextlib.suppress(OverflowError):  # of an int that `number` will refuse
            given = float(given)
    return cast(T, given)


def whole(x: T) -> T:
    """Field converter: integral numbers known now to int."""
    given: Any = unboxed(x)
    if isinstance(given, np.integer | float | np.floating) and float(given).is_integer():
        given = int(given)
    return cast(T, given)


def integer(x: T) -> T:
    """Python's int for an integer of NumPy or JAX; anything else as it is."""
    given: Any = unboxed(x)
    return cast(T, int(given)) if isinstance(given, np.integer) else given


def fail(owner: str, name: str, rule: str, value: Any, remedy: str) -> NoReturn:
    """Raise the one-sentence error that every bad argument gets."""
    raise ValueError(f"{owner}: {name} must be {rule}, got {shown(value)}; {remedy}.")


def shown(value: Any) -> str:
    """`value` in one short line, whatever it is: large data stands with its two ends."""
    if isinstance(value, int) and value.bit_length() > 200:
        return f"a number of {value.bit_length()} bits"
    try:
        shown = " ".join(_SHORT.repr(value).split())
    except Exception:  # its own `repr` fails, or Python refuses to print it
        return f"an object of class {type(value).__name__}"
    return shown if len(shown) <= 100 else f"{shown[:70]} ... {shown[-20:]}"


def items(owner: str, name: str, values: Any, of: str) -> list[Any]:
    """`values` as a list; an error if it is not a collection."""
    listed = isinstance(values, Iterable) and getattr(values, "ndim", 1) > 0
    if isinstance(values, str | dict) or not listed:
        fail(owner, name, f"a list of {of}", values, "put it into one, as in [a, b]")
    return list(fetched(values))


def number(
    owner: str,
    name: str,
    value: Number,
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    below: float | None = None,
    remedy: str = "pass such a number",
    double: bool = False,
) -> None:
    """Require a finite real scalar within the given bounds.

    Also as schedules compute with it, unless it is used as a double alone.
    """
    bounds = {"at least": least, "above": above, "at most": most, "below": below}
    said = [f"{words} {bound:g}" for words, bound in bounds.items() if bound is not None]
    rule = " and ".join(["a finite number", *said]).replace("number and", "number", 1)
    value = real(value)
    if not is_real_scalar(value):
        remedy = f"{remedy} (one schedule holds scalars; batch with jax.vmap)"
        fail(owner, name, rule, value, remedy)
    if not known(value):
        return
    x = float(value) if abs(value) <= _LARGEST_DOUBLE else np.inf
    if not (
        np.isfinite(x) and _strictly(x, above, below)
        and (least is None or x >= least) and (most is None or x <= most)
    ):  # fmt: skip
        fail(owner, name, rule, value, remedy)
    near = as_computed(x)
    if not double and not (np.isfinite(near) and _strictly(near, above, below)):
        fail(owner, name, f"{rule} in {float_dtype()}", value, "or turn on jax_enable_x64")


def as_computed(x: float) -> float:
    """`x` as schedules compute with it: rounded once; 0 if it is too small for that."""
    info = np.finfo(float_dtype())
    if abs(x) > float(info.max):
        return np.inf
    return float(info.dtype.type(x)) if abs(x) >= float(info.tiny) else 0.0


def _strictly(x: float, above: float | None, below: float | None) -> bool:
    return (above is None or x > above) and (below is None or x < below)


def steps(owner: str, name: str, value: Number, *, least: int = 0, remedy: str = "") -> None:
    """Require a whole number of steps from `least` to 2**31 - 1."""
    remedy = remedy or "count optimizer steps (anneal_jax.Horizon turns epochs or tokens into them)"
    rule = f"a whole number from {least} to 2**31 - 1"
    is_array = isinstance(value, jax.Array)
    integral = jnp.issubdtype(value.dtype, jnp.integer) if is_array else isinstance(value, int)
    if not integral or isinstance(value, bool) or (is_array and value.ndim):
        fail(owner, name, rule, value, remedy)
    if known(value) and not least <= int(value) <= MAX_STEP:
        fail(owner, name, rule, value, remedy)


def increasing(owner: str, name: str, values: np.ndarray, *, least: int) -> None:
    """Require strictly increasing whole steps between `least` and 2**31 - 1."""
    integral = np.issubdtype(values.dtype, np.integer)
    inside = len(values) == 0 or (values[0] >= least and values[-1] <= MAX_STEP)
    if not integral or not inside or np.any(np.diff(values) <= 0):
        rule = f"increasing whole steps from {least} to 2**31 - 1"
        fail(owner, name, rule, values.tolist(), "sort and correct them")


def flag(owner: str, name: str, value: Any) -> None:
    """Require True or False, since a word such as "False" would count as true."""
    if not isinstance(value, bool | np.bool_):
        fail(owner, name, "True or False", value, "pass one of them")


def nearest(owner: str, name: str, value: Any, valid: Iterable[str]) -> None:
    """Require `value` to be one of `valid`; the error suggests the closest spelling."""
    valid = sorted(valid)
    if isinstance(value, str) and value in valid:
        return
    word = value if isinstance(value, str) and len(value) < 100 else ""
    close = difflib.get_close_matches(word, valid, n=1, cutoff=0.5)
    remedy = f"did you mean {close[0]!r}?" if close else "choose one of these"
    few = ", ".join(map(repr, valid[:_MOST_NAMES]))
    names = f"[{few}]" if len(valid) <= _MOST_NAMES else f"{len(valid)} names ({few}, ...)"
    raise ValueError(f"{owner}: {name} must be one of {names}, got {shown(value)}; {remedy}")


def are_numbers(*values: Any) -> bool:
    """Whether each is one real number that is known, and no tracer, batch, mark or gap."""
    return all(is_real_scalar(value) and known(value) for value in values)


def is_real_scalar(value: Any) -> bool:
    """Whether `value` is one real number, known or traced."""
    value = real(value)
    if isinstance(value, jax.Array):
        kinds = (jnp.integer, jnp.floating)
        return value.ndim == 0 and any(jnp.issubdtype(value.dtype, kind) for kind in kinds)
    return isinstance(value, int | float) and not isinstance(value, bool)
