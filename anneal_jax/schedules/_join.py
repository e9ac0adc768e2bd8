"""Join: one schedule after another.

A thousand phases must not make a thousand times the program. So segments of the same structure
(same classes, other numbers) are stacked leaf by leaf into one schedule with a leading axis, a
search over the starts finds the phase of a step, and one row is gathered and evaluated. The
program grows with the number of different structures only.
"""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .. import _checks
from .._numerics import (
    MAX_STEP,
    Number,
    as_float,
    as_int,
    last_reached,
    on_host,
    plus,
    row,
    select,
)
from .._types import Array, DurationLike
from ._schedule import Schedule
from ._time_scale import WHOLE, TimeScale, replaced


class Join(Schedule):
    """Segments one after another, each counting from its own step 0; built by `join` or `then`.

    `value(t) = segments[k](t - starts[k])` for the last `k` with `starts[k] <= t`.
    """

    groups: tuple[Schedule, ...]  # one per structure; stacked where it has several segments
    starts: Any = eqx.field(metadata=WHOLE)  # int[segments], the first is 0
    layout: tuple[tuple[int, ...], ...] = eqx.field(static=True)  # each group's segments
    restarts: bool = eqx.field(static=True)

    @property
    def steps(self) -> DurationLike | None:
        size = sum(map(len, self.layout))
        group = next(g for g, members in enumerate(self.layout) if members[-1] == size - 1)
        last = self._member(group, len(self.layout[group]) - 1).steps
        if last is None:
            return None
        end = self.starts[..., -1]
        return plus(end, last)

    @property
    def segments(self) -> list[Schedule]:
        """The segments in order, each a schedule of its own."""
        found = {
            segment: self._member(g, row)
            for g, members in enumerate(self.layout)
            for row, segment in enumerate(members)
        }
        return [found[k] for k in range(len(found))]

    @property
    def has_restarts(self) -> bool:
        return self.restarts or any(group.has_restarts for group in self.groups)

    def value_at(self, step: Array) -> Array:
        return self._active(step, lambda segment, local: segment.value_at(local))

    def cycle_at(self, step: Array) -> Array:
        k = last_reached(self.starts, step)
        begun = self._cycles_begun()
        earlier = jnp.arange(len(begun)) < k
        finished = jnp.sum(jnp.where(earlier, begun, 0), dtype=step.dtype)
        return finished + self._active(step, lambda segment, local: segment.cycle_at(local))

    def stretched(self, scale: TimeScale) -> "Join":
        groups = []
        for group, members in zip(self.groups, self.layout, strict=True):
            begins = self.starts[..., members[0] if len(members) == 1 else np.array(members)]
            groups.append(group.stretched(scale.at(begins)))
        return replaced(self, groups=tuple(groups), starts=scale(self.starts))

    def arguments(self) -> dict[str, Any]:
        boundaries = self.starts[..., 1:]
        if _checks.known(boundaries) and boundaries.ndim == 1:
            boundaries = [int(b) for b in boundaries]
        return {"segments": self.segments, "boundaries": boundaries, "restarts": self.restarts}

    def _member(self, group: int, member: int) -> Schedule:
        """One segment; in a batch of schedules, the members' axis follows the batch's axes."""
        if len(self.layout[group]) == 1:
            return self.groups[group]
        at = (slice(None),) * (self.starts.ndim - 1) + (member,)
        return jax.tree.map(lambda leaf: _unboxed(leaf[at]), self.groups[group])

    def _active(self, step: Array, read: Callable[[Schedule, Array], Array]) -> Array:
        """`read(segment, local_step)` for the segment that `step` is in."""
        starts = as_int(self.starts)
        if all(len(members) == 1 for members in self.layout):
            return self._chosen(step, read)
        k = last_reached(starts, step)
        local = step - row(starts, k)
        if len(self.layout) == 1:
            return read(self._gathered(0, k), local)
        group_of, member_of = self._places(k)
        result: Any = None
        for g in range(len(self.layout)):
            mine = group_of == g
            segment = self._gathered(g, select(mine, member_of, 0))
            value = read(segment, select(mine, local, 0))
            result = value if g == 0 else select(mine, value, result)
        return result

    def _chosen(self, step: Array, read: Callable[[Schedule, Array], Array]) -> Array:
        """The same of few segments, no two of them alike: by comparisons, without a search.

        A segment that is not active is asked for its first value, whose derivative is finite.
        """
        starts = as_int(self.starts)
        begun = [step >= starts[k] for k in range(1, len(self.groups))]
        result: Any = None
        for k, segment in enumerate(self.groups):
            local = step if k == 0 else select(begun[k - 1], step - starts[k], 0)
            local = local if k == len(begun) else select(begun[k], 0, local)
            value = read(segment, local)
            result = value if k == 0 else select(begun[k - 1], value, result)
        return result

    def _places(self, k: Array) -> tuple[Array, Array]:
        """The group of segment `k`, and its row in that group."""
        group_of, member_of = np.zeros((2, sum(map(len, self.layout))), np.int32)
        for g, members in enumerate(self.layout):
            group_of[np.array(members)], member_of[np.array(members)] = g, np.arange(len(members))
        return row(group_of, k), row(member_of, k)

    def _gathered(self, group: int, member: Array) -> Schedule:
        if len(self.layout[group]) == 1:
            return self.groups[group]
        return jax.tree.map(lambda leaf: row(leaf, member), self.groups[group])

    def _cycles_begun(self) -> Array:
        """The number of restarts from the start of each segment to that of the next."""
        starts = as_int(self.starts)
        lasts = jnp.maximum(jnp.diff(starts, append=starts[-1:] + 1) - 1, 0)
        begun = jnp.full(starts.shape, int(self.restarts), starts.dtype)
        for group, members in zip(self.groups, self.layout, strict=True):
            if not group.has_restarts:
                continue
            rows = np.array(members)
            stacked = None if len(members) == 1 else 0
            inner = jax.vmap(lambda s, t: s.cycle_at(t), (stacked, 0))(group, lasts[rows])
            begun = begun.at[rows].add(inner)
        return begun


def join(
    segments: Sequence[Schedule],
    boundaries: Sequence[DurationLike] | None = None,
    *,
    restarts: bool = False,
) -> Schedule:
    """Run schedules one after another; each counts its steps from its own start.

    `value(t) = segments[k](t - boundaries[k - 1])` for `boundaries[k - 1] <= t < boundaries[k]`. A
    segment shorter than its place holds its last value; a longer one is cut.

    Args:
      segments: the schedules, in order; at least one.
      boundaries: optimizer steps at which the second, third, ... segment begins, non-decreasing,
        one fewer than `segments`. None: each begins when the one before it has run its `steps`.
      restarts: whether every segment after the first begins a new cycle (see `Schedule.cycle`).

    Returns:
      A schedule that ends with its last segment (open-ended if that is). The compiled program has
      the same size for any number of segments of the same structure.

    Raises:
      ValueError: if there is no segment, the boundaries do not fit, or they are left out and a
        segment before the last is open-ended.

    Example:
        >>> import anneal_jax as anneal
        >>> warmup, decay = anneal.Linear(0.0, 1.0, steps=2), anneal.Cosine(1.0, 0.0, steps=4)
        >>> print(anneal.join([warmup, decay])([0, 1, 2, 4, 6]).round(3))
        [0.  0.5 1.  0.5 0. ]
    """
    _checks.flag("join", "restarts", restarts)
    segments = _checks.items("join", "segments", segments, "schedules")
    for segment in segments:
        if not isinstance(segment, Schedule):
            _checks.fail("join", "segments", "schedules", segment, "wrap it with as_schedule")
    if not segments:
        _checks.fail("join", "segments", "at least one schedule", segments, "pass some")
    starts = _starts(segments, boundaries)
    kinds: dict[Any, list[int]] = {}
    for index, segment in enumerate(segments):
        kinds.setdefault(_kind(segment), []).append(index)
    layout = tuple(tuple(members) for members in kinds.values())
    groups = tuple(
        stack_rows([segments[i] for i in members]) if len(members) > 1 else segments[members[0]]
        for members in kinds.values()
    )
    return Join(groups, starts, layout, restarts)


def then(first: Schedule, *others: Schedule) -> Schedule:
    """Build `first.then(*others)`; a join in front is taken apart, so chains stay flat."""
    if isinstance(first, Join) and not first.restarts and on_host(*jax.tree.leaves(first)):
        inner = first.segments
        if [segment.steps for segment in inner[:-1]] == np.diff(first.starts).tolist():
            return join([*inner, *others])
    return join([first, *others])


def _starts(segments: list[Schedule], boundaries: Sequence[DurationLike] | None) -> Any:
    if boundaries is None:
        lengths: list[Any] = [_checks.whole(segment.steps) for segment in segments[:-1]]
        if None in lengths:
            index = lengths.index(None)
            remedy = "give boundaries, or give it steps"
            _checks.fail("join", f"segments[{index}]", "of known length", segments[index], remedy)
        if on_host(*lengths):
            return _checked(np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]))
        return jnp.cumsum(jnp.stack([as_int(n) for n in (0, *lengths)]))
    boundaries = _checks.items("join", "boundaries", boundaries, "steps")
    boundaries = [_checks.whole(b) for b in boundaries]
    if len(boundaries) != len(segments) - 1:
        rule = f"{len(segments) - 1} step(s), one fewer than the {len(segments)} segments"
        _checks.fail(
            "join", "boundaries", rule, boundaries, "give the step each later segment begins at"
        )
    for boundary in boundaries:
        _checks.steps("join", "boundaries", boundary)
    if on_host(*boundaries):
        return _checked(np.array([0, *boundaries], np.int64))
    return jnp.stack([as_int(b) for b in (0, *boundaries)])


def _checked(starts: np.ndarray) -> np.ndarray:
    if np.any(np.diff(starts) < 0) or starts[-1] > MAX_STEP:
        rule = "non-decreasing steps from 0 to 2**31 - 1"
        _checks.fail("join", "boundaries", rule, starts[1:].tolist(), "sort and correct them")
    return starts


def stack_rows(trees: list[Any]) -> Any:
    """One pytree whose leaves are those of `trees`, all of the same structure, in rows."""
    return jax.tree.map(_stack_leaf, *trees)


def _stack_leaf(*leaves: Number) -> Any:
    if on_host(*leaves):
        return np.array(leaves)
    inexact = jnp.issubdtype(jnp.result_type(leaves[0]), jnp.inexact)
    return jnp.stack([as_float(x) if inexact else as_int(x) for x in leaves])


def _kind(schedule: Schedule) -> Any:
    """What two schedules must share to be stacked: structure, shapes, and int or float leaves."""
    leaves, structure = jax.tree.flatten(schedule)
    kinds = (jnp.issubdtype(jnp.result_type(x), jnp.inexact) for x in leaves)
    return structure, tuple(np.shape(x) for x in leaves), tuple(kinds)


def _unboxed(leaf: Any) -> Any:
    return leaf.item() if isinstance(leaf, np.generic) else leaf
