"""Snapshots: copies of the parameters from the end of each cycle, in the optimizer state."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import PyTree

from .. import _checks
from .._numerics import as_int
from .._types import Array
from ..schedules._schedule import Schedule
from ._copies import put, ring_of
from ._cycles import Cycles
from ._states import owned
from ._updates import counter, increment, moved

_OWNER = "snapshots"


class SnapshotsState(NamedTuple):
    """State of `snapshots`."""

    count: Array  # pyright: ignore[reportIncompatibleMethodOverride]  # int32[]: updates so far
    taken: Array  # int32[]: snapshots so far; number i is in slot i modulo the size of the ring
    steps: Array  # int32[keep]: after how many updates each was taken
    ring: PyTree  # like the parameters, with an axis of `keep` copies in front
    cycles: Cycles

    carries_on = True  # `reset_on_restart` leaves it alone


def snapshots(
    schedule: Schedule, keep: int, *, host: bool = False
) -> optax.GradientTransformationExtraArgs:
    """Keep copies of the parameters from the end of each cycle; updates pass unchanged.

    A copy is taken after the last update of every cycle, and after the last of the schedule:
    where an annealed cycle has its smallest rate and its best parameters. The newest `keep`
    stay. `anneal_jax.ensemble.members` gives them out, `anneal_jax.ensemble.predict` lets
    them vote.

    Place it last in a chain, for it must see the updates that will be added.

    Args:
      schedule: schedule whose cycles are followed, one with restarts or an end. It lives in the
        state: `with_schedules(opt_state, cycles=new)` replaces it.
      keep: number of snapshots, from 1 up; they take that many times the parameters' memory.
      host: whether they lie in the memory of the host (`"pinned_host"`), for devices that have
        no room for them; each is then one transfer. (Such a ring is committed to its device:
        after an `init` outside of `jit` the train step compiles twice.)

    Returns:
      A `GradientTransformationExtraArgs`; its `update` needs `params`.

    Raises:
      ValueError: if `keep` is below 1, or the schedule has neither restarts nor an end.

    Example:
        >>> import anneal_jax as anneal, jax.numpy as jnp, optax
        >>> rate = anneal.cosine_restarts(0.1, cycle_steps=5, cycles=3)
        >>> tx = optax.chain(optax.sgd(rate), anneal.snapshots(rate, keep=2))
        >>> params = jnp.ones(3)
        >>> state = tx.init(params)
        >>> for _ in range(15):
        ...     updates, state = tx.update(params, state, params)
        ...     params = optax.apply_updates(params, updates)
        >>> anneal.ensemble.members(state).shape  # of cycles 1 and 2
        (2, 3)

    Reference: Huang et al., [Snapshot Ensembles](https://arxiv.org/abs/1704.00109), 2017.
    """
    keep = _checks.whole(keep)
    _checks.steps(_OWNER, "keep", keep, least=1, remedy="say how many snapshots to keep")
    _checks.flag(_OWNER, "host", host)
    cycles = Cycles.of(_OWNER, schedule, ending=True)

    def init(params: PyTree) -> Any:
        ring = ring_of(params, keep)
        ring = jax.jit(_to_host)(ring) if host else ring
        steps = jnp.zeros(keep, jnp.int32)
        return SnapshotsState(counter(), counter(), steps, ring, owned(cycles))

    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> tuple[Any, Any]:
        del extra
        new = moved(_OWNER, params, updates)
        done = increment(state.count)
        slot = as_int(state.taken % keep)

        def take() -> tuple[Any, Any, Any]:
            copy = jax.tree.map(lambda p: p.astype(p.dtype), new)
            copy = _to_host(copy) if host else copy
            return put(state.ring, slot, copy), state.steps.at[slot].set(done), state.taken + 1

        def pass_by() -> tuple[Any, Any, Any]:
            return state.ring, state.steps, state.taken

        ring, steps, taken = lax.cond(state.cycles.end_at(state.count), take, pass_by)
        return updates, SnapshotsState(done, taken, steps, ring, state.cycles)

    return optax.GradientTransformationExtraArgs(init, update)


def _to_host(ring: PyTree) -> PyTree:
    return jax.device_put(ring, jax.memory.Space.Host)
