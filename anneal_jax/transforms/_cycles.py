"""The cycles of a schedule, for transformations that act where they begin or end."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp

from .. import _checks
from .._numerics import as_int
from .._types import Array
from ..schedules._schedule import Schedule
from ._follow import require_one


class Cycles(eqx.Module):
    """A schedule whose cycles are followed; data, and replaceable by `with_schedules`."""

    schedule: Schedule  # in a state, its leaves are strongly typed arrays

    @classmethod
    def of(cls, owner: str, schedule: Any, ending: bool = False) -> "Cycles":
        """The cycles of `schedule`, which must have restarts, or at least an end."""
        if not isinstance(schedule, Schedule):
            remedy = "build it with anneal_jax, which knows where cycles begin"
            _checks.fail(owner, "schedule", "a Schedule", schedule, remedy)
        if not schedule.has_restarts and not (ending and schedule.steps is not None):
            rule = "one with restarts" + (" or an end" if ending else "")
            remedy = "build one with cosine_restarts or schedule.repeat"
            _checks.fail(owner, "schedule", rule, schedule, remedy)
        require_one(owner, "schedule", schedule)
        return cls(schedule)

    def begin_at(self, count: Array) -> Array:
        """Whether the update at `count` is the first of a new cycle; False at 0."""
        return self.schedule.is_restart(count)

    def end_at(self, count: Array) -> Array:
        """Whether the update at `count` is the last of a cycle, or of the schedule."""
        following = as_int(count) + 1
        ends = self.schedule.is_restart(following)
        steps = self.schedule.steps
        return ends if steps is None else ends | jnp.equal(following, as_int(steps))
