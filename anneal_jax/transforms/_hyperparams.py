"""Reading and replacing hyperparameters, wherever in an optimizer state they are."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

from .. import _checks
from .._numerics import as_float
from .._schedule import Schedule, as_schedule
from ._inject import InjectHyperparamsState, Plan, plan_for


def hyperparams(opt_state: Any) -> dict[str, Any]:
    """The hyperparameters that the last update used.

    Args:
      opt_state: an optimizer state of any nesting (`optax.chain`, `partition`, `MultiSteps`,
        ...), or what has one as `opt_state` (a Flax `TrainState`, an `nnx.Optimizer`).

    Returns:
      Scalars by name. A name that stands in several places is given with its place in front,
      as in `"decoder.learning_rate"`. Before the first update: the values at step 0.

    Raises:
      ValueError: if there are none.

    Example:
        >>> import anneal_jax as anneal, jax.numpy as jnp, optax
        >>> tx = optax.chain(optax.clip(1.0), anneal.scale_by_learning_rate(anneal.Constant(0.5)))
        >>> float(anneal.hyperparams(tx.init(jnp.zeros(3)))["learning_rate"])
        0.5
    """
    found = [
        (place, name, _plain(value))
        for place, state in _places(getattr(opt_state, "opt_state", opt_state))
        for name, value in state.hyperparams.items()
    ]
    if not found:
        remedy = "build it with anneal_jax.inject_hyperparams or scale_by_learning_rate"
        kind = type(opt_state).__name__
        _checks.fail("hyperparams", "opt_state", "one with injected hyperparameters", kind, remedy)
    return {key: value for key, (_, _, value) in zip(_keys(found), found, strict=True)}


def with_schedules(opt_state: Any, **schedules: Schedule | float) -> Any:
    """The same optimizer state with other plans: change the schedule in the middle of a run.

    Step count, moments and everything else stay. A schedule of the structure it replaces
    (other numbers) costs no recompilation; one of another structure, one.

    Args:
      opt_state: as for `hyperparams`; an `nnx.Optimizer` is changed in place.
      **schedules: new schedules, or numbers to stay at, by the names that `hyperparams` gives.

    Returns:
      `opt_state`, changed. The new plan sets in at the current step, not at its own step 0.

    Raises:
      ValueError: if a name is not there.

    Example:
        >>> import anneal_jax as anneal, jax.numpy as jnp, optax
        >>> tx = anneal.inject_hyperparams(optax.sgd)(anneal.Linear(1.0, 0.0, steps=10))
        >>> state = tx.init(jnp.zeros(3))
        >>> state = anneal.with_schedules(state, learning_rate=anneal.Linear(1.0, 0.0, steps=99))
    """
    if hasattr(opt_state, "opt_state"):
        changed = with_schedules(opt_state.opt_state, **schedules)
        if hasattr(opt_state, "replace"):
            return opt_state.replace(opt_state=changed)
        opt_state.opt_state = changed
        return opt_state
    found = [(place, name, None) for place, s in _places(opt_state) for name in s.hyperparams]
    keys = _keys(found)
    for name in schedules:
        _checks.nearest("with_schedules", "every name", name, keys)
    wanted = {found[keys.index(name)][:2]: plan for name, plan in schedules.items()}

    def change(place: str, state: InjectHyperparamsState) -> InjectHyperparamsState:
        for name in state.hyperparams:
            if (place, name) in wanted:
                state = _replanned(state, name, as_schedule(wanted[place, name]))
        return state

    return _changed(opt_state, change)


def _is_injected(x: Any) -> bool:
    return hasattr(x, "hyperparams") and hasattr(x, "inner_state")


def _places(tree: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """All states with hyperparameters (Optax's own too), each with its place in the tree."""
    for path, node in jax.tree_util.tree_leaves_with_path(tree, is_leaf=_is_injected):
        if _is_injected(node):
            place = prefix + jax.tree_util.keystr(path, simple=True, separator=".")
            yield place, node
            yield from _places(node.inner_state, place + ".inner_state.")


def _changed(tree: Any, change: Callable[[str, Any], Any], prefix: str = "") -> Any:
    """`tree` with `change(place, state)` in place of every state that `_places` finds."""

    def visit(path: Any, node: Any) -> Any:
        if not _is_injected(node):
            return node
        place = prefix + jax.tree_util.keystr(path, simple=True, separator=".")
        inner = _changed(node.inner_state, change, place + ".inner_state.")
        return change(place, node._replace(inner_state=inner))

    return jax.tree_util.tree_map_with_path(visit, tree, is_leaf=_is_injected)


def _keys(found: list[tuple[str, str, Any]]) -> list[str]:
    """Bare names where they are unique, else the shortest telling part of the place in front."""
    names = [name for _, name, _ in found]
    keys = []
    for place, name, _ in found:
        rivals = [p.split(".") for p, n, _ in found if n == name]
        telling = [
            part
            for i, part in enumerate(place.split("."))
            if len({rival[i] if i < len(rival) else None for rival in rivals}) > 1
        ]
        keys.append(name if names.count(name) == 1 else ".".join([*telling, name]))
    return keys


def _replanned(state: Any, name: str, schedule: Schedule) -> Any:
    if not isinstance(state, InjectHyperparamsState):
        remedy = "build the optimizer with anneal_jax.inject_hyperparams"
        kind = type(state).__name__
        _checks.fail("with_schedules", name, "in a state of anneal_jax", kind, remedy)
    fresh = plan_for(name, schedule, _plain(state.count))
    value = jnp.array(as_float(_plain(state.hyperparams[name])))  # what the last update used
    fresh = Plan(fresh.schedule, value, fresh.held, name)
    plans = {plan.name: plan for plan in state.schedules}
    if name in plans:
        fresh = _placed_like(fresh, plans[name])
    return state._replace(schedules=tuple((plans | {name: fresh}).values()))


def _placed_like(new: Plan, old: Plan) -> Plan:
    """`new` where `old` was: on its devices, and in its Flax variables."""
    if jax.tree.structure(_plain_tree(old)) != jax.tree.structure(new):
        return new

    def place(was: Any, now: Any) -> Any:
        if _is_variable(was):
            was.set_value(now)
            return was
        settled = isinstance(was, jax.Array) and _checks.known(was, now) and was.committed
        return jax.device_put(now, was.sharding) if settled else now

    return jax.tree.map(place, old, new, is_leaf=_is_variable)


def _is_variable(x: Any) -> bool:
    """Whether `x` is a Flax variable, as the leaves of an `nnx.Optimizer`'s state are."""
    return hasattr(type(x), "set_metadata") and hasattr(type(x), "get_value")


def _plain(x: Any) -> Any:
    return jnp.asarray(x.get_value()) if _is_variable(x) else x


def _plain_tree(tree: Any) -> Any:
    return jax.tree.map(_plain, tree, is_leaf=_is_variable)
