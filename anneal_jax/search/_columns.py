"""The columns of a table that tell plans apart: the caller's, or the numbers that differ."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from .. import _checks
from ._recipes import named_numbers
from .engine import PlanStack, by_name

FIXED = {"plan", "seed", "steps", "status", "final_loss"}  # columns of every table
_SHORT = 8  # numbers of a vector that are worth a column each


def columns_of(
    owner: str, labels: Mapping[str, ArrayLike] | None, stacks: Sequence[PlanStack], size: int
) -> dict[str, np.ndarray]:
    """The columns of `size` plans: as labelled, or what differs."""
    if labels is None:
        return _differing(stacks, size)
    if not isinstance(labels, Mapping):
        rule = "columns by name, one value for each plan"
        _checks.fail(owner, "labels", rule, labels, "write them as in {'peak': peaks}")
    for name in labels:
        if not isinstance(name, str) or name in FIXED:
            rule = f"named by words, and not as what every table has ({', '.join(sorted(FIXED))})"
            _checks.fail(owner, "labels", rule, name, "choose another name")
    columns = {name: array_of(values) for name, values in labels.items()}
    for name, column in columns.items():
        if column is None or column.shape[:1] != (size,):
            rule = f"one value for each of the {size} plans"
            _checks.fail(owner, f"labels[{name!r}]", rule, labels[name], "correct it")
    return {name: column for name, column in columns.items() if column is not None}


def array_of(values: Any) -> np.ndarray | None:
    """`values` as an array; None for lists of several lengths."""
    try:
        return np.asarray(values)
    except ValueError:
        return None


def _differing(stacks: Sequence[PlanStack], size: int) -> dict[str, np.ndarray]:
    """By name, the numbers of plans that are not the same in all of them; NaN where absent."""
    columns: dict[str, np.ndarray] = {}
    group = np.empty(size, int)
    for k, stack in enumerate(stacks):
        group[stack.places] = k
        for part_name, part in by_name(stack.plans).items():
            for name, values in _numbers(part, part_name):
                column = columns.setdefault(name, np.full(size, np.nan))
                column[stack.places] = values
    columns = {"group": group, **columns}
    return {name: x for name, x in columns.items() if len(np.unique(x)) > 1}


def _placed(part: Any) -> Iterator[tuple[str, np.ndarray]]:
    """The numbers of a stack by their places, those of short vectors too."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(part):
        if not jnp.issubdtype(leaf.dtype, jnp.number):
            continue
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        values = np.asarray(leaf, float)
        if values.ndim == 1:
            yield name, values
        elif values.ndim == 2 and values.shape[1] <= _SHORT:
            for k, column in enumerate(values.T):
                yield f"{name}.{k}", column


def _numbers(part: Any, prefix: str) -> Iterator[tuple[str, np.ndarray]]:
    """The numbers of a stack by the names of its recipe, else by their places in the schedule.

    Of several that are the same in every plan (a peak ends one segment and begins the next), the
    first.
    """
    numbers = named_numbers(part)
    if numbers is None:
        numbers = dict(_placed(part))
    seen: list[np.ndarray] = []
    for name, values in numbers.items():
        if any(np.array_equal(values, other) for other in seen):
            continue
        seen.append(values)
        told = ".".join(filter(None, [prefix, name])) or "value"
        yield f"schedule.{told}" if told in FIXED else told, values
