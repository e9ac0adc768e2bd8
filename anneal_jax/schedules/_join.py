"""Join: one schedule after another.

A thousand phases must not make a thousand times the program. So segments of the same
structure (same classes, other numbers) are stacked leaf by leaf into one schedule with a
leading axis, a search over the starts finds the phase of a step, and one row is gathered and
evaluated. The program grows with the number of different structures only.
"""

from collections.abc import Sequence
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
    is_concrete,
    last_reached,
    row,
    select,
)
from ._schedule import Array, Scale, Schedule, verb


class Join(Schedule):
    """Segments in turn, each from its own step 0; built by `join` or `schedule.then`.

    `value(t) = segments[k](t - starts[k])` for the last `k` with `starts[k] <= t`.
    """

    groups: tuple[Schedule, ...]  # one per structure; stacked where it has several members
    starts: Any  # int[segments], the first is 0
    group_of: np.ndarray  # int[segments]: which group a segment is in
    member_of: np.ndarray  # int[segments]: and which of its rows
    places: tuple[np.ndarray, ...]  # for each group, int[rows]: which segments they are
    sizes: tuple[int, ...] = eqx.field(static=True)
    last_group: int = eqx.field(static=True)
    restarts: bool = eqx.field(static=True)

    @property
    def steps(self) -> Number | None:
        last = self._member(self.last_group, self.sizes[self.last_group] - 1).steps
        if last is None:
            return None
        if is_concrete(self.starts, last):
            return int(self.starts[-1]) + last
        return as_int(self.starts[-1]) + as_int(last)

    @property
    def segments(self) -> list[Schedule]:
        """The segments in order, unstacked."""
        return [
            self._member(int(g), int(m)) for g, m in zip(self.group_of, self.member_of, strict=True)
        ]

    @property
    def has_restarts(self) -> bool:
        return self.restarts or any(group.has_restarts for group in self.groups)

    def value_at(self, step: Array) -> Array:
        return self._active(step, lambda segment, local: segment.value_at(local))

    def cycle_at(self, step: Array) -> Array:
        k = last_reached(self.starts, step)
        earlier = jnp.arange(len(self.member_of)) < k
        finished = jnp.sum(jnp.where(earlier, self._cycles_begun(), 0), dtype=step.dtype)
        return finished + self._active(step, lambda segment, local: segment.cycle_at(local))

    def stretched(self, scale: Scale) -> "Schedule":
        leaves = jax.tree.leaves((scale, self))
        if is_concrete(*leaves):
            parts = zip(self.segments, self.starts.tolist(), strict=True)
            segments = [segment.stretched(scale.at(start)) for segment, start in parts]
            return join(segments, scale(self.starts)[1:].tolist(), restarts=self.restarts)
        groups = []
        for group, size, place in zip(self.groups, self.sizes, self.places, strict=True):
            begins = as_int(self.starts)[jnp.asarray(place)]
            if size == 1:
                groups.append(group.stretched(scale.at(begins[0])))
            else:
                groups.append(jax.vmap(lambda s, b: s.stretched(scale.at(b)))(group, begins))
        starts = scale(as_int(self.starts))
        return eqx.tree_at(lambda j: (j.groups, j.starts), self, (tuple(groups), starts))

    def arguments(self) -> dict[str, Any]:
        boundaries = [int(b) for b in self.starts[1:]]
        return {"segments": self.segments, "boundaries": boundaries, "restarts": self.restarts}

    def _member(self, group: int, member: int) -> Schedule:
        size = self.sizes[group]
        return self.groups[group] if size == 1 else jax.tree.map(_at(member), self.groups[group])

    def _active(self, step: Array, read: Any) -> Array:
        """`read(segment, local step)` of the segment that `step` is in."""
        k = last_reached(self.starts, step)
        local = step - _at(k)(as_int(self.starts))
        group_of, member_of = _at(k)(self.group_of), _at(k)(self.member_of)
        found = []
        for g, (group, size) in enumerate(zip(self.groups, self.sizes, strict=True)):
            mine = group_of == g
            member = select(mine, member_of, 0)
            segment = group if size == 1 else jax.tree.map(_at(member), group)
            found.append(read(segment, select(mine, local, 0)))
        result = found[0]
        for g, value in enumerate(found[1:], start=1):
            result = select(group_of == g, value, result)
        return result

    def _cycles_begun(self) -> Array:
        """How many restarts lie between the start of each segment and that of the next."""
        starts = as_int(self.starts)
        lasts = jnp.maximum(jnp.diff(starts, append=starts[-1:] + 1) - 1, 0)
        begun = jnp.full(starts.shape, int(self.restarts), starts.dtype)
        for g, (group, size) in enumerate(zip(self.groups, self.sizes, strict=True)):
            if not group.has_restarts:
                continue
            where = jnp.asarray(self.group_of) == g
            rows = jnp.asarray(self.member_of)
            if size == 1:
                inner = jax.vmap(group.cycle_at)(lasts)
            else:
                inner = jax.vmap(lambda m, t, s=group: jax.tree.map(_at(m), s).cycle_at(t))(
                    rows, lasts
                )
            begun += jnp.where(where, inner, 0)
        return begun


@verb
def join(
    segments: Sequence[Schedule],
    boundaries: Sequence[Number] | None = None,
    *,
    restarts: bool = False,
) -> Schedule:
    """Run schedules one after another; each counts its steps from its own start.

    `value(t) = segments[k](t - boundaries[k - 1])` between boundaries `k - 1` and `k`.
    A step equal to a boundary belongs to the later segment. A segment shorter than its place
    holds its last value; a longer one is cut.

    Args:
      segments: the schedules, in order.
      boundaries: the steps at which the second, third, ... begin, non-decreasing. None: each
        begins when the one before it has run its `steps`.
      restarts: whether every segment after the first begins a new cycle
        (see `Schedule.cycle`).

    Returns:
      The composition; it is open-ended if its last segment is. Its program has the same size
      for any number of segments of the same structure.

    Raises:
      ValueError: if there is no segment, or the boundaries do not fit.

    Example:
        >>> import anneal_jax as anneal
        >>> warmup, decay = anneal.Linear(0.0, 1.0, steps=2), anneal.Cosine(1.0, 0.0, steps=4)
        >>> print(anneal.join([warmup, decay])([0, 1, 2, 4, 6]).round(3))
        [0.  0.5 1.  0.5 0. ]
    """
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
    places = tuple(np.array(members, np.int32) for members in kinds.values())
    group_of, member_of = np.zeros((2, len(segments)), np.int32)
    for g, place in enumerate(places):
        group_of[place], member_of[place] = g, np.arange(len(place))
    groups = tuple(
        stack_rows([segments[i] for i in place]) if len(place) > 1 else segments[place[0]]
        for place in places
    )
    sizes = tuple(len(place) for place in places)
    return Join(groups, starts, group_of, member_of, places, sizes, int(group_of[-1]), restarts)


@verb
def then(first: Schedule, *others: Schedule) -> Schedule:
    """Build `first.then(*others)`; a join at the front opens up, so that `then` chains flat."""
    if isinstance(first, Join) and not first.restarts and is_concrete(*jax.tree.leaves(first)):
        inner = first.segments
        if [segment.steps for segment in inner[:-1]] == np.diff(first.starts).tolist():
            return join([*inner, *others])
    return join([first, *others])


def _starts(segments: list[Schedule], boundaries: Sequence[Number] | None) -> Any:
    if boundaries is None:
        lengths = [segment.steps for segment in segments[:-1]]
        if None in lengths:
            index = lengths.index(None)
            remedy = "give boundaries, or give it steps"
            _checks.fail("join", f"segments[{index}]", "of known length", segments[index], remedy)
        if is_concrete(*lengths):
            return _checked(np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]))
        return jnp.cumsum(jnp.stack([as_int(n) for n in (0, *lengths)]))
    boundaries = _checks.items("join", "boundaries", boundaries, "steps")
    boundaries = [_checks.whole(b) for b in boundaries]
    if len(boundaries) != len(segments) - 1:
        rule = f"{len(segments) - 1} step(s), one fewer than the {len(segments)} segments"
        _checks.fail(
            "join", "boundaries", rule, boundaries, "give the step each later segment begins at"
        )
    if all(isinstance(b, int) for b in boundaries):
        return _checked(np.array([0, *boundaries], np.int64))
    for boundary in boundaries:
        _checks.steps("join", "boundaries", boundary)
    return jnp.stack([as_int(b) for b in (0, *boundaries)])


def _checked(starts: np.ndarray) -> np.ndarray:
    if np.any(np.diff(starts) < 0) or starts[-1] > MAX_STEP:
        rule = "non-decreasing steps from 0 to 2**31 - 1"
        _checks.fail("join", "boundaries", rule, starts[1:].tolist(), "sort and correct them")
    return starts.astype(np.int32)


def stack_rows(trees: list[Any]) -> Any:
    """One pytree whose leaves hold those of `trees`, all of one structure, in rows."""
    return jax.tree.map(_stack_leaf, *trees)


def _stack_leaf(*leaves: Number) -> Any:
    if is_concrete(*leaves):
        return np.array(leaves)
    inexact = jnp.issubdtype(jnp.result_type(leaves[0]), jnp.inexact)
    return jnp.stack([as_float(x) if inexact else as_int(x) for x in leaves])


def _kind(schedule: Schedule) -> Any:
    """What two schedules must share to be stacked: structure, shapes, and int or float."""
    leaves, structure = jax.tree.flatten(schedule)
    kinds = (jnp.issubdtype(jnp.result_type(x), jnp.inexact) for x in leaves)
    return structure, tuple(np.shape(x) for x in leaves), tuple(kinds)


def _at(index: Any) -> Any:
    """A function that takes one row of a stacked leaf."""

    def take(leaf: Any) -> Any:
        if not isinstance(index, int):
            return row(leaf, index)
        return (
            leaf[index].item() if isinstance(leaf, np.ndarray) and leaf.ndim == 1 else leaf[index]
        )

    return take
