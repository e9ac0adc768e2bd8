"""Plans of a population, stacked by structure: what differs between members is data."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from ... import _checks
from ..._numerics import as_array
from ..._types import Array
from ...schedules._schedule import Schedule
from ._data import is_key, misfit, strong


class PlanStack(NamedTuple):
    """Plans of one structure."""

    plans: PyTree  # each leaf with an axis of plans in front
    places: np.ndarray  # int[plans]: the place of each in the population

    @property
    def shape(self) -> Any:
        """One plan, as shapes and dtypes."""
        return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), self.plans)

    def plan(self, i: int) -> Any:
        """The plan at place `i` of the population."""
        row = int(np.flatnonzero(self.places == i)[0])
        return jax.tree.map(lambda x: x[row], self.plans)


def stacked_plans(owner: str, plans: Any) -> list[PlanStack]:
    """`plans`, a list or one tree with an axis of plans, as stacks of one structure each."""
    if isinstance(plans, Iterator):
        remedy = "write them as a list, or list(...) around what makes them"
        _checks.fail(owner, "schedules", "a list of plans", type(plans).__name__, remedy)
    if not isinstance(plans, list | tuple):
        return [_from_tree(owner, plans)]
    if not plans:
        _checks.fail(owner, "schedules", "at least one", plans, "pass some")
    kinds = {_names(plan) for plan in plans}
    if len(kinds) > 1:
        rule = "all schedules, or all dictionaries with the same names"
        remedy = "give every member the same hyperparameters"
        got = " and ".join(sorted(str(list(k)) if k else "a schedule" for k in kinds))
        _checks.fail(owner, "schedules", rule, got, remedy)
    arrays = [_typed(owner, plan) for plan in plans]
    found: dict[Any, list[int]] = {}
    for i, plan in enumerate(arrays):
        found.setdefault(structure_of(plan), []).append(i)
    return [
        PlanStack(jax.tree.map(_together, *(arrays[i] for i in at)), np.array(at))
        for at in found.values()
    ]


def structure_of(tree: PyTree) -> Any:
    """Whatever of a tree of arrays a program depends on."""
    leaves, structure = jax.tree.flatten(tree)
    return structure, tuple((jnp.shape(x), x.dtype) for x in leaves)


def _from_tree(owner: str, plans: Any) -> PlanStack:
    """A tree whose arrays have an axis of plans in front; a part that has none is for all."""
    parts = by_name(_typed(owner, plans))
    # (In one schedule either all is batched or nothing; some of its parts are vectors anyway.)
    batched = {k: all(x.ndim for x in jax.tree.leaves(part)) for k, part in parts.items()}
    sizes = {x.shape[0] for k in parts if batched[k] for x in jax.tree.leaves(parts[k])}
    if len(sizes) > 1:
        rule = "a list, or one tree whose arrays all have the plans as first axis"
        remedy = "build it with jax.vmap over the function that makes one schedule"
        _checks.fail(owner, "schedules", rule, f"first axes of {sorted(sizes)}", remedy)
    size = sizes.pop() if sizes else 1
    if not size:
        got = "arrays whose first axis, that of plans, is 0 long"
        _checks.fail(owner, "schedules", "at least one", got, "pass some")

    def spread(part: Any) -> Any:
        return jax.tree.map(lambda x: jnp.broadcast_to(x, (size, *x.shape)), part)

    parts = {k: part if batched[k] else spread(part) for k, part in parts.items()}
    return PlanStack(parts if _names(plans) else parts[""], np.arange(size))


def _typed(owner: str, plan: Any) -> Any:
    """`plan` as arrays; plain functions, words and None are no data."""
    rule = "made of schedules and numbers"
    for name, part in by_name(plan).items():
        if not isinstance(part, Schedule) and not jax.tree.leaves(part):
            remedy = "perhaps the function that makes a plan lacks its return"
            at = f" (at {name})" if name else ""
            _checks.fail(owner, "schedules", rule + at, part, remedy)
    if (found := misfit(plan)) is not None:
        remedy = "a function of the step is a closure: build it from the schedules of anneal_jax"
        if not callable(found[1]):
            remedy = "correct it"
        _checks.fail(owner, "schedules", rule + found[0], found[1], remedy)
    return jax.tree.map(
        lambda x: jax.tree.map(_number, x) if isinstance(x, Schedule) else strong(x),
        plan,
        is_leaf=lambda x: isinstance(x, Schedule),
    )


def _number(x: Any) -> Array:
    """A schedule's number, in the type that schedules compute in."""
    return x if is_key(x) else as_array(x)


def by_name(plan: Any) -> dict[str, Any]:
    """The parts of a plan in the order of its leaves; a lone schedule has no name."""
    names = _names(plan)
    return {name: plan[name] for name in names} if names else {"": plan}


def _names(plan: Any) -> tuple[str, ...]:
    return tuple(sorted(plan)) if isinstance(plan, dict) and not isinstance(plan, Schedule) else ()


def _together(*leaves: Array) -> Array:
    # (On the host: to stack a thousand arrays on a device is a program of a thousand arguments.)
    if is_key(leaves[0]):
        return jax.random.wrap_key_data(
            jnp.asarray(np.stack([np.asarray(jax.random.key_data(x)) for x in leaves])),
            impl=jax.random.key_impl(leaves[0]),
        )
    return jnp.asarray(np.stack([np.asarray(x) for x in leaves]))
