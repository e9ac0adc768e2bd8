"""Which curves a picture of schedules has: one for each schedule, many for a batch of them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from .. import _checks
from ..schedules._constant import as_schedule
from ..schedules._curve import sampled
from ..schedules._pieces import kinds_in, pieces
from ..schedules._schedule import Schedule
from ..schedules._summary import is_one, shown_steps

_MEMBERS = 48  # of a batch that are drawn, at most; they are spread evenly over it
_NAMED = 3  # formulas in the name of a curve


class Curves(NamedTuple):
    """One schedule, or the members of a batch that are drawn."""

    name: str
    members: tuple[Schedule, ...]
    size: int  # of the batch

    def sampled(self, end: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Steps from 0 to `end` and values of each member, extremes included."""
        return [sampled(member, end) for member in self.members]

    @property
    def label(self) -> str:
        """The name, and how many there are."""
        if self.size == 1:
            return self.name
        shown = "" if len(self.members) == self.size else f", {len(self.members)} drawn"
        return f"{self.name} ({self.size}{shown})"


def curves_of(owner: str, schedules: Any) -> list[Curves]:
    """What is to be drawn, by name; schedules without one are called by their formulas."""
    if isinstance(schedules, Mapping):
        named = [(str(name), one) for name, one in schedules.items()]
    else:
        several = isinstance(schedules, list | tuple)
        named = [(None, one) for one in (schedules if several else [schedules])]
    if not named:
        _checks.fail(owner, "schedules", "at least one schedule", schedules, "pass some")
    found = [_curves(owner, name, one) for name, one in named]
    taken = [one.name for one in found]
    twice = {name for name in taken if taken.count(name) > 1}
    return [
        one._replace(name=f"{one.name} [{k}]") if one.name in twice else one
        for k, one in enumerate(found)
    ]


def _curves(owner: str, name: str | None, given: Any) -> Curves:
    if not isinstance(given, Schedule):
        given = as_schedule(given)
    if is_one(given):
        return Curves(_named(given) if name is None else name, (given,), 1)
    size = _size(given)
    if size == 0:
        rule = "schedules whose numbers are known, or one batch of them along a first axis"
        _checks.fail(owner, "schedules", rule, given, "ask outside of jit and vmap")
    drawn = np.unique(np.linspace(0, size - 1, _MEMBERS).round().astype(int))
    members = tuple(_member(given, int(index)) for index in drawn)
    return Curves(_named(members[0]) if name is None else name, members, size)


def _size(batch: Schedule) -> int:
    """The length of the first axis that the leaves of a batch share; 0 if it is no batch."""
    leaves = jax.tree.leaves(batch)
    sizes = {np.shape(leaf)[0] for leaf in leaves if np.ndim(leaf) > 0}
    known = _checks.known(*leaves)
    return sizes.pop() if known and len(sizes) == 1 and is_one(_member(batch, 0)) else 0


def _member(batch: Schedule, index: int) -> Schedule:
    return jax.tree.map(lambda leaf: np.asarray(leaf)[index] if np.ndim(leaf) else leaf, batch)


def _named(schedule: Schedule) -> str:
    """A schedule's formulas, as a name."""
    parts = pieces(schedule, shown_steps("plot", schedule, None), _NAMED)
    return kinds_in(parts) if len(parts) <= _NAMED else type(schedule).__name__
