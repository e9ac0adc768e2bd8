"""Where a population's data come from: stacked arrays, an iterable of batches, or a function."""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any, NoReturn

import jax
import numpy as np

from ... import _checks
from ...schedules._schedule import Array


class BatchesEnded(Exception):
    """An iterable had too few batches, or an odd one, which only showed in training."""


class Batches:
    """Batches by step, in blocks that a compiled program indexes.

    `block(first, count)` is what the program is given, and the index in it of step `first`;
    `pick(block, index)` is the batch there.
    """

    def __init__(self, owner: str, batches: Any):
        self._owner = owner
        self.function: Callable[..., Any] | None = None
        self._whole: Any = None
        self._iterable: Iterable[Any] | None = None
        if callable(batches):
            self.function = batches
        elif _is_stack(batches):
            self._whole = batches
            if len({np.shape(x)[:1] for x in jax.tree.leaves(batches)} | {()}) != 2:
                self._fail("arrays with the same first axis, that of steps", _shapes(batches))
        elif isinstance(batches, Iterable):
            # (One that can be begun again is; what cannot, is kept.)
            self._iterable = _Kept(iter(batches)) if iter(batches) is batches else batches
        else:
            self._fail("stacked arrays, an iterable of batches, or a function of the step", batches)
        self._rest: Iterator[Any] = iter(())
        self._size, self._shape = 1, None

    @property
    def steps(self) -> int | None:
        """How many are stacked."""
        return None if self._whole is None else np.shape(jax.tree.leaves(self._whole)[0])[0]

    def prepare(self, steps: int, at_once: int, members: int | None) -> None:
        """Say what will be asked: so many steps and so many at once, for all or each member."""
        self._size = at_once
        if self._whole is not None and self.steps is not None and self.steps < steps:
            self._fail(f"arrays with a first axis of {steps} steps", _shapes(self._whole))
        if isinstance(self._iterable, Sized) and len(self._iterable) < steps:
            self._fail(f"enough for all {steps} steps", len(self._iterable))
        if members is not None and self.function is None:
            axis = {np.shape(x)[1:2] for x in jax.tree.leaves(self.example)}
            if axis != {(members,)}:
                rule = f"arrays with an axis of all {members} members after that of steps"
                self._fail(rule, _shapes(self.example))

    def restart(self) -> None:
        """Begin again at step 0."""
        self._rest = iter(()) if self._iterable is None else iter(self._iterable)

    def block(self, first: int, count: int) -> tuple[Any, int]:
        """Batches of the steps from `first`, and where among them `first` is."""
        if self.function is not None:
            return None, first
        if self._iterable is None:
            return self._whole, first
        taken = list(itertools.islice(self._rest, count))
        there = first + len(taken)
        if first == 0:
            if len(taken) < count:
                self._fail(f"enough for all steps ({count} and more)", there)
            self._shape = _shapes(taken[0])
        elif len(taken) < count:
            raise BatchesEnded(f"batches ended after {there} of them; trained are {first} steps")
        for batch in taken:
            if _shapes(batch) != self._shape:
                if first == 0:
                    self._fail("of one structure and shape", [self._shape, _shapes(batch)])
                raise BatchesEnded(f"batches change their shape; trained are {first} steps")
        taken += taken[-1:] * (self._size - count)  # blocks of one size: one program
        return jax.tree.map(lambda *xs: np.stack([np.asarray(x) for x in xs]), *taken), 0

    @functools.cached_property
    def example(self) -> Any:
        """A block as a program will be given one, for its shapes."""
        self.restart()
        return self.block(0, 1)[0]

    def pick(self, block: Any, index: Array, member: Array | None) -> Any:
        """The batch at `index`: that of all members, or of one."""
        if self.function is not None:
            return self.function(index) if member is None else self.function(index, member)
        batch = jax.tree.map(lambda x: x[index], block)
        return batch if member is None else jax.tree.map(lambda x: x[member], batch)

    def _fail(self, rule: str, value: Any) -> NoReturn:
        remedy = "pass stacked arrays or an iterable with a batch for each step, or a function"
        _checks.fail(self._owner, "batches", rule, value, remedy)


class _Kept(Iterable[Any]):
    """An iterator that can be begun again: what came of it is kept."""

    def __init__(self, rest: Iterator[Any]):
        self._rest, self._seen = rest, []

    def __iter__(self) -> Iterator[Any]:
        for i in itertools.count():
            if i == len(self._seen):
                try:
                    self._seen.append(next(self._rest))
                except StopIteration:
                    return
            yield self._seen[i]


def _is_stack(batches: Any) -> bool:
    """Whether `batches` is a tree of arrays (rather than a list of batches, or a loader)."""
    if isinstance(batches, list | Iterator):
        return False
    leaves = jax.tree.leaves(batches, is_leaf=lambda x: isinstance(x, Iterator))
    return bool(leaves) and all(isinstance(x, jax.Array | np.ndarray) for x in leaves)


def _shapes(tree: Any) -> Any:
    return jax.tree.map(np.shape, tree)
