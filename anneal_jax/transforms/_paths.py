"""Parameters by their paths, and updates scaled group by group.

A path names a parameter as in `"encoder/blocks/0/kernel"`: the keys, indices and attributes
that lead to it in a dictionary, a Flax NNX or Linen tree or an Equinox module.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import PyTree

from .._types import Array
from ._states import is_variable, owned
from ._updates import scaled


class Group(NamedTuple):
    """Parameters that share a rate."""

    name: str
    rate: float | None  # the learning rate; None: frozen; NaN: left to an optimizer of its own
    parameters: int  # how many numbers
    paths: tuple[str, ...]
    peak: float | None = None  # the largest that the rate comes to; otherwise as `rate`


class Groups(tuple[Group, ...]):
    """Groups that print as a table of name, rate at a step, peak and number of parameters."""

    step: int

    def __new__(cls, groups: Iterable[Group], step: int):
        """The groups, with their rates at `step`."""
        self = super().__new__(cls, groups)
        self.step = step
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:
        """What a copy is made from."""
        return (tuple(self), self.step)

    def __str__(self) -> str:
        rows = [("group", f"rate at step {self.step:,}", "peak", "parameters", "tensors")]
        for group in self:
            rate = "frozen" if group.rate is None else f"{group.rate:.4g}"
            rate = "its own" if rate == "nan" else rate
            own = group.peak is None or np.isnan(group.peak)
            peak = "" if own else f"{group.peak:.4g}"
            rows.append((group.name, rate, peak, f"{group.parameters:,}", str(len(group.paths))))
        tensors = sum(len(g.paths) for g in self)
        rows.append(("total", "", "", f"{sum(g.parameters for g in self):,}", str(tensors)))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
            for row in rows
        )


class GroupsOf(Protocol):
    """From parameters to their groups, with the rates at a step."""

    def __call__(self, params: PyTree, step: int = 0) -> Groups:
        """The groups that have parameters."""
        ...


class GroupedTransformation(optax.GradientTransformationExtraArgs):
    """A gradient transformation that can tell its groups: `groups(params, step=0)`."""

    groups: GroupsOf

    def __new__(cls, init: Any, update: Any, groups: Any = None):
        """The transformation `(init, update)`, and how to list its groups.

        (Without the latter it is made where JAX takes the pair for a tree and rebuilds it.)
        """
        self = super().__new__(cls, init, update)
        self.groups = groups
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:
        """What a copy is made from."""
        return (*self, self.groups)


def paths(params: PyTree) -> list[str]:
    """The path of every parameter, in the order of the tree's leaves."""
    leaves = jax.tree_util.tree_leaves_with_path(params, is_leaf=is_variable)
    return [_text(path) for path, _ in leaves]


def map_paths(function: Callable[..., Any], tree: Any) -> Any:
    """`function(path, leaf)` in place of every leaf."""
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: function(_text(path), leaf), tree, is_leaf=is_variable
    )


def shown(names: Iterable[str], room: int = 180) -> str:
    """Names for an error message: as many as it has room for, and how many more there are."""
    names = [repr(name) if len(name) <= room else f"'...{name[-room:]}'" for name in names]
    ends = np.cumsum([len(name) + 2 for name in names])
    most = max(int(np.sum(ends <= room)), 1)
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def groups_at(
    step: int,
    params: Any,
    names_of: Mapping[str, Any],
    rates: Mapping[str, float | None],
    peaks: Mapping[str, float],
) -> Groups:
    """The groups that have parameters, in the order of `rates`.

    `peaks` has those of the rates that the groups follow; `names_of` gives the group of each path,
    or the groups of the layers that it stacks.
    """
    sizes: dict[str, int] = {}
    members: dict[str, list[str]] = {}

    def count(path: str, leaf: Any) -> None:
        names = names_of[path]
        names = [names] if isinstance(names, str) else names
        for name in names:
            sizes[name] = sizes.get(name, 0) + int(np.size(leaf)) // len(names)
            members.setdefault(name, []).append(path)

    map_paths(count, params)
    found = (n for n in rates if n in members)
    return Groups(
        (Group(n, rates[n], sizes[n], tuple(members[n]), peaks.get(n, rates[n])) for n in found),
        step,
    )


class GroupRatesState(NamedTuple):
    """The rates that the last update used."""

    rates: dict[str, Array]  # float[] each, by the name of the group

    @property
    def hyperparams(self) -> dict[str, Array]:
        """What `anneal_jax.hyperparams` reads."""
        return {f"rate/{name}": rate for name, rate in self.rates.items()}


def scale_by_rates(
    rates: dict[str, Array], groups_of: Callable[[Any], Mapping[str, Any]], sign: float
) -> optax.GradientTransformationExtraArgs:
    """Multiply every leaf by `sign` times the rate of its group.

    Args:
      rates: by the name of the group.
      groups_of: from a tree to the name of the group of each path; or, of a leaf that stacks
        several layers along its first axis, the names of the groups of all of them.
      sign: 1 or -1.
    """

    def init(params: PyTree) -> Any:
        groups_of(params)  # what is wrong with them is told here
        return GroupRatesState(owned(rates))

    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> tuple[Any, Any]:
        del state, params, extra
        groups = groups_of(updates)

        def scale(path: str, leaf: Any) -> Any:
            group = groups[path]
            if isinstance(group, str):
                return scaled(leaf, sign * rates[group])
            layers = sign * jnp.stack([rates[name] for name in group])
            return scaled(leaf, jnp.reshape(layers, (-1,) + (1,) * (leaf.ndim - 1)))

        return map_paths(scale, updates), GroupRatesState(rates)

    return optax.GradientTransformationExtraArgs(init, update)


def _text(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="/")
