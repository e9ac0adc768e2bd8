"""What a sweep is told, and what is wrong with it, told before anything is trained."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jax.sharding import Mesh

from .. import _checks
from ._halving import Halving
from .engine._plans import Group

_OWNER = "sweep"


class Options(NamedTuple):
    """What `sweep` was told."""

    window: int
    halving: Halving | None
    at_once: int
    per_member: bool
    mesh: Mesh | None
    axis: str
    lanes: int | None
    memory_limit: int | None
    keep: int

    @property
    def devices(self) -> int:
        """Over which members are spread."""
        return 1 if self.mesh is None else self.mesh.shape[self.axis]

    def check(self, ends: np.ndarray, seeds: int, groups: Sequence[Group]) -> None:
        """Require that options are what they must be, and fit plans, seeds and each other."""
        _checks.steps(_OWNER, "window", self.window, least=1, remedy="leave it out")
        _checks.steps(_OWNER, "keep", self.keep, remedy="leave it out")
        if self.lanes is not None:
            _checks.steps(_OWNER, "lanes", self.lanes, least=1, remedy="leave it out")
        if self.memory_limit is not None:
            _checks.number(_OWNER, "memory_limit", self.memory_limit, least=1)
        _checks.flag(_OWNER, "per_member", self.per_member)
        if self.keep and len(groups) > 1:
            rule = "0 where schedules have several structures, as their states have"
            _checks.fail(_OWNER, "keep", rule, self.keep, "sweep one structure at a time")
        self._check_halving(ends)
        self._check_mesh(seeds, groups)

    def _check_halving(self, ends: np.ndarray) -> None:
        if self.halving is None:
            return
        if not isinstance(self.halving, Halving):
            remedy = "write halving=Halving(factor=3)"
            _checks.fail(_OWNER, "halving", "a Halving", self.halving, remedy)
        self.halving.rungs(2, 2)  # checks itself
        if len(np.unique(ends)) > 1:
            rule = "one number where plans are halved: a rung compares them at the same step"
            remedy = "leave halving out, or sweep length by length"
            _checks.fail(_OWNER, "steps", rule, ends, remedy)

    def _check_mesh(self, seeds: int, groups: Sequence[Group]) -> None:
        if self.mesh is None:
            return
        _checks.nearest(_OWNER, "axis", self.axis, self.mesh.axis_names)
        for group in groups:
            members = len(group.places) * seeds
            if members % self.devices:
                rule = f"a multiple of the {self.devices} devices along {self.axis!r}"
                remedy = "add or leave out some (of each structure)"
                _checks.fail(_OWNER, "the number of members", rule, members, remedy)


def seeds_of(seeds: Any) -> np.ndarray:
    """The seeds to train each plan with."""
    if isinstance(seeds, int | np.integer) and not isinstance(seeds, bool) and seeds > 0:
        return np.arange(seeds)
    found = np.asarray(seeds)
    if found.ndim != 1 or not len(found) or found.dtype.kind not in "iu" or found.min() < 0:
        rule = "how many seeds, from 1 up, or a list of them"
        _checks.fail(_OWNER, "seeds", rule, seeds, "pass such a number")
    return found


def ends_of(steps: Any, stacked: int | None, plans: int) -> np.ndarray:
    """The number of steps of each plan; `stacked` is how many batches there are, if known."""
    steps = stacked if steps is None else steps
    if steps is None:
        remedy = "say how many to train"
        _checks.fail(_OWNER, "steps", "given unless batches are stacked", None, remedy)
    each = np.asarray(steps)
    if (
        each.dtype.kind not in "iu"
        or each.min(initial=2**31) < 1
        or each.shape not in {(), (plans,)}
    ):
        rule = f"a whole number from 1 up, or one for each of the {plans} plans"
        _checks.fail(_OWNER, "steps", rule, steps, "correct it")
    return np.broadcast_to(each, (plans,))
