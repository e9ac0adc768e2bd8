"""Schedules of torch that are given as Python functions."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ... import _checks
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._constant import Function
from ...schedules._schedule import Schedule
from .. import _arguments, _terms


def LambdaLR(
    base_lr: RealScalarLike,
    lr_lambda: Callable[[Any], Any],
    total_steps: IntScalarLike | None = None,
) -> Schedule:
    """`base_lr * lr_lambda(t)`.

    Args:
      base_lr: rate that the function multiplies; from 0 up.
      lr_lambda: factor at a step, as a function; part of the program if JAX can trace it.
      total_steps: tabulate the function for steps 0 to `total_steps` (the last value holds)
        instead, in double: for any Python function, and for what is to be saved as data.

    Raises:
      ValueError: if the function cannot be traced and `total_steps` is not given.

    Example:
        >>> from anneal_jax.ports import torch
        >>> print(torch.LambdaLR(1.0, lambda t: 0.5**t, total_steps=10)([0, 1, 2]))
        [1.   0.5  0.25]
    """
    rate = _arguments.number("LambdaLR", "base_lr", base_lr, least=0)
    if total_steps is None:
        return rate * traced("LambdaLR", "lr_lambda", lr_lambda)
    return rate * _terms.table(_called("LambdaLR", "lr_lambda", lr_lambda, 0, total_steps))


def MultiplicativeLR(
    base_lr: RealScalarLike, lr_lambda: Callable[[int], Any], total_steps: IntScalarLike
) -> Schedule:
    """`base_lr * lr_lambda(1) * ... * lr_lambda(t)`; as in torch, `lr_lambda(0)` is not used.

    Args:
      base_lr: the rate at step 0.
      lr_lambda: factor between two steps, as a function of the later one.
      total_steps: number of steps to tabulate; the last value holds.

    Example:
        >>> from anneal_jax.ports import torch
        >>> print(torch.MultiplicativeLR(1.0, lambda t: 0.5, total_steps=10)([0, 1, 2]))
        [1.   0.5  0.25]
    """
    rate = _arguments.number("MultiplicativeLR", "base_lr", base_lr, least=0)
    factors = _called("MultiplicativeLR", "lr_lambda", lr_lambda, 1, total_steps)
    return rate * _terms.table(np.cumprod([1.0, *factors]).tolist())


def traced(owner: str, name: str, function: Any) -> Function:
    """A function of the step as a schedule, if JAX can trace it."""
    _require_function(owner, name, function)
    try:
        found = jax.eval_shape(function, jax.ShapeDtypeStruct((), jnp.int32))
        scalar = found.shape == ()
    except Exception:  # whatever keeps it from being traced, the remedy is the same
        scalar = False
    if not scalar:
        remedy = "pass total_steps to tabulate it, or write it with jax.numpy"
        _checks.fail(owner, name, "a function that JAX can trace", function, remedy)
    return Function(function)


def _called(owner: str, name: str, function: Any, first: int, last: Any) -> list[float]:
    _require_function(owner, name, function)
    last = _arguments.steps(owner, "total_steps", last, least=1)
    values: list[float] = []
    for step in range(first, last + 1):
        value = _checks.unboxed(function(step))
        try:
            values.append(float(value))
        except (TypeError, ValueError):
            _checks.fail(owner, f"{name}({step})", "a number", value, "mend the function")
    if not np.isfinite(values).all():
        step = first + int(np.argmin(np.isfinite(values)))
        _checks.fail(owner, f"{name}({step})", "finite", values[step - first], "mend the function")
    return values


def _require_function(owner: str, name: str, function: Any) -> None:
    if not callable(function):
        _checks.fail(owner, name, "a function of the step", function, "pass one")
