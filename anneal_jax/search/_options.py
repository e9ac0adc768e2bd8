"""What a sweep is told, and what is wrong with it, told before anything is trained."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jax.sharding import Mesh
from jaxtyping import PyTree
from numpy.typing import ArrayLike

from .. import _checks
from .._numerics import MAX_STEP
from .._types import RealScalarLike
from ._columns import array_of
from ._halving import Halving
from .engine import Members, PlanStack, Settings, require_room

OWNER = "sweep"
_SEEDS = 2**32  # how many seeds a random key knows
_AT_ONCE = 50  # steps in a dispatch: more spare little, and Ctrl-C waits for them


class Roster(NamedTuple):
    """Who trains: each plan with each seed."""

    stacks: Sequence[PlanStack]
    seed: np.ndarray  # int[seeds]
    end: np.ndarray  # int[plans]: steps to train

    @property
    def ends(self) -> np.ndarray:
        """Steps of each member, plan by plan and seed by seed."""
        return np.repeat(self.end, len(self.seed))

    def members(self, stack: PlanStack) -> Members:
        """Those of a stack's plans."""
        row = np.repeat(np.arange(len(stack.places)), len(self.seed))
        plan = stack.places[row]
        which = np.tile(np.arange(len(self.seed)), len(stack.places))
        member = plan * len(self.seed) + which
        return Members(row, plan, self.seed[which], member, self.end[plan])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What `sweep` takes beside training, schedules and batches; each is described there."""

    steps: int | Sequence[int] | None = None
    seeds: int | Sequence[int] = 1
    labels: Mapping[str, ArrayLike] | None = None
    evaluate: Callable[[PyTree], RealScalarLike] | None = None
    window: int | None = None
    halving: Halving | None = None
    per_member: bool = False
    keep: int = 0
    mesh: Mesh | None = None
    axis: str = "members"
    lanes: int | None = None
    memory_limit: int | None = None
    steps_per_dispatch: int | None = None
    progress: bool = True

    def roster(self, stacks: Sequence[PlanStack], stacked: int | None) -> Roster:
        """Who trains; `stacked` is how many batches there are, if that is known."""
        plans = sum(len(stack.places) for stack in stacks)
        end = _ends(stacked if self.steps is None else self.steps, plans)
        seeds = _seeds(self.seeds)
        require_room(OWNER, plans * len(seeds), int(end.max()))
        return Roster(stacks, np.asarray(seeds), end)

    def settings(self, longest: int) -> Settings:
        """How the program trains them."""
        at_once = _AT_ONCE if self.steps_per_dispatch is None else self.steps_per_dispatch
        mesh = self.mesh
        if mesh is not None:  # without explicit axes, of which the user's functions know nothing
            mesh = Mesh(mesh.devices, mesh.axis_names)
        return Settings(
            min(at_once, longest), self.per_member, self.lanes, self.memory_limit, mesh, self.axis
        )

    def last(self, longest: int) -> int:
        """Over how many last steps a final loss is the mean."""
        return max(1, longest // 20) if self.window is None else self.window

    def check(self, roster: Roster) -> None:
        """Require that options are what they must be, and fit the roster and each other."""
        for name, least in {"window": 1, "lanes": 1, "steps_per_dispatch": 1, "keep": 0}.items():
            if (value := getattr(self, name)) is not None:
                _checks.steps(OWNER, name, value, least=least, remedy="leave it out")
        if self.memory_limit is not None:
            _checks.number(OWNER, "memory_limit", self.memory_limit, least=1)
        _checks.flag(OWNER, "per_member", self.per_member)
        if self.evaluate is not None and not callable(self.evaluate):
            rule = "a function from a final state to a score"
            _checks.fail(OWNER, "evaluate", rule, self.evaluate, "pass the function itself")
        if self.keep and len(roster.stacks) > 1:
            rule = "0 where schedules have several structures, as their states have"
            _checks.fail(OWNER, "keep", rule, self.keep, "sweep one structure at a time")
        if self.window is not None and self.evaluate is not None:
            rule = "left out where evaluate gives the final loss"
            _checks.fail(OWNER, "window", rule, self.window, "pass one of the two")
        self._check_halving(roster.end)
        self._check_mesh(roster)

    def _check_halving(self, end: np.ndarray) -> None:
        if self.halving is None:
            return
        if not isinstance(self.halving, Halving):
            remedy = "write halving=Halving(factor=3)"
            _checks.fail(OWNER, "halving", "a Halving", self.halving, remedy)
        self.halving.check()
        if len(np.unique(end)) > 1:
            rule = "one number where plans are halved: a rung compares them at the same step"
            remedy = "leave halving out, or sweep length by length"
            _checks.fail(OWNER, "steps", rule, end, remedy)
        latest = max(1, round(int(end[0]) / self.halving.factor))
        if self.halving.first > latest:
            rule = f"at most {latest}, the last rung of {end[0]} steps"
            _checks.fail(OWNER, "halving.first", rule, self.halving.first, "begin earlier")

    def _check_mesh(self, roster: Roster) -> None:
        if self.mesh is None:
            if self.axis != "members":
                rule = "left out without a mesh, whose axis it names"
                _checks.fail(OWNER, "axis", rule, self.axis, "pass mesh=, too")
            return
        if not isinstance(self.mesh, Mesh):
            remedy = "build one with jax.make_mesh"
            _checks.fail(OWNER, "mesh", "a jax.sharding.Mesh", self.mesh, remedy)
        _checks.nearest(OWNER, "axis", self.axis, self.mesh.axis_names)
        devices = self.mesh.shape[self.axis]
        for stack in roster.stacks:
            members = len(stack.places) * len(roster.seed)
            if members % devices:
                rule = f"a multiple of the {devices} devices along {self.axis!r}"
                remedy = "add or leave out some (of each structure)"
                _checks.fail(OWNER, "the number of members", rule, members, remedy)


def _seeds(seeds: Any) -> np.ndarray | range:
    """The seeds to train each plan with."""
    found = array_of(seeds)
    whole = found is not None and found.dtype.kind in "iu" and found.size > 0
    if found is not None and whole and found.ndim == 0 and 1 <= found < _SEEDS:
        return range(int(found))
    if found is None or not whole or found.ndim != 1 or found.min() < 0 or found.max() >= _SEEDS:
        rule = "how many seeds, from 1 up, or a list of them, each from 0 to 2**32 - 1"
        _checks.fail(OWNER, "seeds", rule, seeds, "pass such a number")
    return found


def _ends(steps: Any, plans: int) -> np.ndarray:
    """The number of steps of each plan."""
    if steps is None:
        remedy = "say how many to train"
        _checks.fail(OWNER, "steps", "given unless batches are stacked", None, remedy)
    each = array_of(steps)
    if (
        each is None
        or each.dtype.kind not in "iu"
        or each.shape not in {(), (plans,)}
        or not 1 <= each.min() <= each.max() <= MAX_STEP
    ):
        rule = f"a whole number from 1 up, or one for each of the {plans} plans"
        _checks.fail(OWNER, "steps", rule, steps, "correct it")
    return np.broadcast_to(each, (plans,))
