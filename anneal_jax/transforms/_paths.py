"""Parameters by their paths, and updates scaled group by group.

A path names a parameter as in `"encoder/blocks/0/kernel"`: the keys, indices and attributes
that lead to it in a dictionary, a Flax NNX or Linen tree or an Equinox module.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from .._schedule import Array
from ._states import is_variable


class Group(NamedTuple):
    """Parameters that share a rate."""

    name: str
    rate: float | None  # the learning rate; None: frozen, or left to an optimizer of its own
    parameters: int  # how many numbers
    paths: tuple[str, ...]


class Groups(tuple[Group, ...]):
    """Groups that print as a table of name, rate and number of parameters."""

    __slots__ = ()

    def __str__(self) -> str:
        rows = [("group", "rate", "parameters", "tensors")]
        for group in self:
            rate = "-" if group.rate is None else f"{group.rate:.4g}"
            rows.append((group.name, rate, f"{group.parameters:,}", str(len(group.paths))))
        tensors = sum(len(g.paths) for g in self)
        rows.append(("total", "", f"{sum(g.parameters for g in self):,}", str(tensors)))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
            for row in rows
        )


class GroupedTransformation(optax.GradientTransformationExtraArgs):
    """A gradient transformation that can tell its groups: `groups(params, step=0)`."""

    groups: Callable[..., Groups]

    def __new__(cls, init: Any, update: Any, groups: Callable[..., Groups]):
        """The transformation `(init, update)`, and how to list its groups."""
        self = super().__new__(cls, init, update)
        self.groups = groups
        return self


def paths(params: Any) -> list[str]:
    """The path of every parameter, in the order of the tree's leaves."""
    leaves = jax.tree_util.tree_leaves_with_path(params, is_leaf=is_variable)
    return [_text(path) for path, _ in leaves]


def map_paths(function: Callable[..., Any], tree: Any) -> Any:
    """`function(path, leaf)` in place of every leaf."""
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: function(_text(path), leaf), tree, is_leaf=is_variable
    )


def shown(names: Iterable[str], most: int = 12) -> str:
    """Names for an error message: the first ones, and how many more there are."""
    names = list(names)
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more


def gathered(params: Any, name_of: Mapping[str, Sequence[str]]) -> dict[str, tuple[int, list[str]]]:
    """Number of parameters and paths by group, where a stacked parameter is in several."""
    found: dict[str, tuple[int, list[str]]] = {}

    def count(path: str, leaf: Any) -> None:
        for name in name_of[path]:
            size, members = found.setdefault(name, (0, []))
            found[name] = (size + int(np.size(leaf)) // len(name_of[path]), [*members, path])

    map_paths(count, params)
    return found


def scaled(update: Array, factor: Array) -> Array:
    """`update * factor`, multiplied in the wider of the two precisions, in that of `update`."""
    with jax.numpy_dtype_promotion("standard"):
        return (update * factor).astype(update.dtype)


def scale_leaves(factor_of: Callable[[str], Array]) -> optax.GradientTransformationExtraArgs:
    """Multiply every leaf by a factor that belongs to its path.

    A vector of factors runs along the first axis of a leaf that stacks several layers.
    """

    def scale(path: str, update: Any) -> Any:
        factor = factor_of(path)
        return scaled(update, jnp.reshape(factor, factor.shape + (1,) * (update.ndim - 1)))

    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> tuple[Any, Any]:
        del params, extra
        return map_paths(scale, updates), state

    return optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)


def _text(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="/")
