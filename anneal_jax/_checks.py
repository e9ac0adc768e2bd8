"""Validation at construction: one sentence that names object, argument, rule, value and remedy.

Only values that are known now are checked. A tracer passes: its value is not known yet, and a
host callback in the train step would cost more than it saves.
"""

import difflib
from collections.abc import Iterable
from typing import Any, NoReturn, TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from ._numerics import MAX_STEP, Number, fetched


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
        given = float(given)
    return cast(T, given)


def whole(x: T) -> T:
    """Field converter: integral numbers known now to int."""
    given: Any = unboxed(x)
    if isinstance(given, np.integer | float | np.floating) and float(given).is_integer():
        given = int(given)
    return cast(T, given)


def fail(owner: str, name: str, rule: str, value: Any, remedy: str) -> NoReturn:
    """Raise the one-sentence error that every bad argument gets."""
    shown = " ".join(repr(value).split())  # on one line, arrays too
    raise ValueError(f"{owner}: {name} must be {rule}, got {shown}; {remedy}.")


def items(owner: str, name: str, values: Any, of: str) -> list[Any]:
    """`values` as a list; an error if it is not a collection."""
    if isinstance(values, str | dict) or not isinstance(values, Iterable):
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
) -> None:
    """Require a finite real scalar within the given bounds."""
    value = real(value)
    bounds = [f"at least {least:g}"] if least is not None else []
    bounds += [f"above {above:g}"] if above is not None else []
    bounds += [f"at most {most:g}"] if most is not None else []
    bounds += [f"below {below:g}"] if below is not None else []
    rule = " and ".join(["a finite number", *bounds]).replace("number and", "number", 1)
    if not _is_real_scalar(value):
        fail(
            owner, name, rule, value, f"{remedy} (one schedule holds scalars; batch with jax.vmap)"
        )
    if not known(value):
        return
    x = float(value)
    inside = (
        np.isfinite(x)
        and (least is None or x >= least)
        and (above is None or x > above)
        and (most is None or x <= most)
        and (below is None or x < below)
    )
    if not inside:
        fail(owner, name, rule, value, remedy)


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
    close = difflib.get_close_matches(str(value), valid, n=1, cutoff=0.5)
    remedy = f"did you mean {close[0]!r}?" if close else "choose one of these"
    raise ValueError(f"{owner}: {name} must be one of {valid}, got {value!r}; {remedy}")


def _is_real_scalar(value: Any) -> bool:
    if isinstance(value, jax.Array):
        kinds = (jnp.integer, jnp.floating)
        return value.ndim == 0 and any(jnp.issubdtype(value.dtype, kind) for kind in kinds)
    return isinstance(value, int | float) and not isinstance(value, bool)
