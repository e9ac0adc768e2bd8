"""The numbers of a schedule by the names that its recipe gives them.

A recipe leaves no name in what it returns. So it is recognised: each recipe is built from numbers
that tell its arguments apart; where the structure is that of the schedule, the place of each of
them is known; and it counts if the recipe, built anew from what lies there, is the schedule.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..schedules import recipes
from ..schedules._schedule import Schedule
from ..schedules._segment import Segment

_KNOWN = (
    recipes.warmup_cosine,
    recipes.warmup_linear,
    recipes.warmup_polynomial,
    recipes.warmup_constant,
    recipes.warmup_inverse_sqrt,
    recipes.warmup_stable_decay,
    recipes.trapezoid,
    recipes.flat_cosine,
    recipes.one_cycle,
    recipes.one_cycle_momentum,
)
_PROBES: dict[str, Any] = {
    "peak_value": 0.0123,
    "base_momentum": 0.83,
    "max_momentum": 0.97,
    "warmup_steps": 7,
    "flat_steps": 103,
    "decay_steps": 101,
    "init_value": 0.0011,
    "end_value": 0.0013,
    "exponent": 1.7,
    "power": 1.9,
    "timescale": 19.0,
    "total_steps": 1009,
}
_CHECKED = 4  # plans that are built anew


def named_numbers(stack: Any) -> dict[str, np.ndarray] | None:
    """The arguments of the recipe that made a stack of schedules, by name; None if none did.

    Args:
      stack: schedules of one structure, each of their leaves with an axis of schedules in front.
    """
    keyed = any(jnp.issubdtype(x.dtype, jax.dtypes.extended) for x in jax.tree.leaves(stack))
    if not isinstance(stack, Schedule) or keyed:
        return None
    values = _flat(stack, leading=1)
    shapes = {type(x) for x in jax.tree.leaves(stack, is_leaf=lambda x: isinstance(x, Segment))}
    shapes = [kind for kind in shapes if issubclass(kind, Segment)]
    for build, arguments in _candidates(shapes):
        found = _read(build, arguments, stack, values)
        if found is not None:
            return found
    return None


def _candidates(shapes: list[Any]) -> Iterator[tuple[Callable[..., Schedule], dict[str, Any]]]:
    """Recipes, and the numbers to tell their arguments apart, with each shape they may have."""
    for recipe in _KNOWN:
        parameters = inspect.signature(recipe).parameters
        probes = {name: probe for name, probe in _PROBES.items() if name in parameters}
        shaped = [
            name
            for name, p in parameters.items()
            if p.default is not p.empty and isinstance(p.default, type)
        ]
        for kind in shapes if shaped else [None]:
            yield recipe, probes | dict.fromkeys(shaped, kind)


def _read(
    build: Callable[..., Schedule], arguments: dict[str, Any], stack: Any, values: np.ndarray
) -> dict[str, np.ndarray] | None:
    """What a recipe's arguments are in a stack, if it made it."""
    numbers = [name for name in arguments if name in _PROBES]
    try:
        probe = build(**arguments)
        if jax.tree.structure(probe) != jax.tree.structure(stack):
            return None
        places = _flat(probe)
        found = {}
        for name in numbers:
            at = np.flatnonzero(np.isclose(places, arguments[name], rtol=1e-6, atol=0))
            if len(at):
                found[name] = values[:, at[0]]
            elif name == "total_steps":
                found[name] = _lengths(stack, len(values))
        rows = np.unique(np.linspace(0, len(values) - 1, _CHECKED).astype(int))
        others = {name: kind for name, kind in arguments.items() if name not in _PROBES}
        for row in rows:
            given = {name: _number(x[row], arguments[name]) for name, x in found.items()}
            again = _flat(build(**given, **others))
            if not np.allclose(again, values[row], rtol=1e-5, atol=1e-12):
                return None
    except (TypeError, ValueError):  # an argument is missing, or out of its range
        return None
    return found


def _flat(tree: Any, leading: int = 0) -> np.ndarray:
    """All numbers of a tree side by side, behind its leading axes."""
    leaves = [np.asarray(x, float) for x in jax.tree.leaves(tree)]
    return np.concatenate([x.reshape(*x.shape[:leading], -1) for x in leaves], axis=-1)


def _lengths(stack: Any, count: int) -> np.ndarray:
    host = jax.tree.map(np.asarray, stack)
    return np.array([jax.tree.map(lambda x, i=i: x[i], host).steps for i in range(count)], float)


def _number(x: Any, like: Any) -> Any:
    """A Python number of the kind of a probe."""
    return type(like)(x)
