"""Finding and changing states of one kind, wherever in an optimizer state they stand."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer

from .._numerics import as_array

Wanted = Callable[[Any], bool]


def find(opt_state: Any, wanted: Wanted) -> Iterator[tuple[str, Any]]:
    """Every wanted state in `opt_state`, also inside another one, with its place.

    `opt_state` is of any nesting, or has one as its `opt_state`: a Flax `TrainState`, an
    `nnx.Optimizer`.
    """
    return _find(opt_state.opt_state if is_holder(opt_state) else opt_state, wanted, "", None)


def change(opt_state: Any, wanted: Wanted, new: Callable[[str, Any], Any]) -> Any:
    """`opt_state` with `new(place, state)` for every wanted state; inner ones first.

    A Flax `TrainState` is replaced; an `nnx.Optimizer` is changed in place.
    """
    if is_holder(opt_state):
        opt_state.opt_state = change(opt_state.opt_state, wanted, new)
        return opt_state
    return _change(opt_state, wanted, new, "", None)


def is_holder(x: Any) -> bool:
    """Whether `x` is an object with a state, rather than a tree that can be walked."""
    is_tree = hasattr(x, "_fields") or dataclasses.is_dataclass(x)
    return hasattr(x, "opt_state") and not is_tree


def _find(tree: Any, wanted: Wanted, prefix: str, outer: Any) -> Iterator[tuple[str, Any]]:
    def stop(x: Any) -> bool:
        return x is not outer and wanted(x)

    for path, node in jax.tree_util.tree_leaves_with_path(tree, is_leaf=stop):
        if stop(node):
            place = _place(prefix, path)
            yield place, node
            yield from _find(node, wanted, place + ".", node)


def _change(tree: Any, wanted: Wanted, new: Callable[[str, Any], Any], prefix: str, outer: Any):
    def stop(x: Any) -> bool:
        return x is not outer and wanted(x)

    def visit(path: Any, node: Any) -> Any:
        if not stop(node):
            return node
        place = _place(prefix, path)
        return new(place, _change(node, wanted, new, place + ".", node))

    return jax.tree_util.tree_map_with_path(visit, tree, is_leaf=stop)


def _place(prefix: str, path: Any) -> str:
    return prefix + jax.tree_util.keystr(path, simple=True, separator=".")


def owned(tree: Any) -> Any:
    """Numbers and arrays as strongly typed arrays that nothing else holds.

    That is what a state is made of: it may be donated, and then its buffers are gone.
    """
    return jax.tree.map(lambda x: jnp.array(as_array(x)), tree)


# Flax keeps each array of an `nnx.Optimizer` in a variable of its own.


def is_variable(x: Any) -> bool:
    """Whether `x` is a Flax variable."""
    return hasattr(type(x), "set_metadata") and hasattr(type(x), "get_value")


def plain(tree: Any) -> Any:
    """`tree` with arrays in place of Flax variables."""
    return jax.tree.map(lambda x: x.get_value() if is_variable(x) else x, tree, is_leaf=is_variable)


def put_where(old: Any, new: Any) -> Any:
    """`new` where `old` was: on its devices, and in its Flax variables, which are changed."""
    if jax.tree.structure(plain(old)) != jax.tree.structure(new):
        variables = filter(is_variable, jax.tree.leaves(old, is_leaf=is_variable))
        kind = next((type(x) for x in variables), None)
        return new if kind is None else jax.tree.map(kind, new)

    def place(was: Any, now: Any) -> Any:
        if is_variable(was):
            was.set_value(now)
            return was
        concrete = not any(isinstance(x, Tracer) for x in (was, now))
        settled = concrete and isinstance(was, jax.Array) and was.committed
        return jax.device_put(now, was.sharding) if settled else now

    return jax.tree.map(place, old, new, is_leaf=is_variable)
