"""Where a population's data come from: stacked arrays, an iterable of batches, or a function."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import numpy as np

from .. import _checks
from .._schedule import Array


class Batches:
    """Batches by step, in blocks that a compiled program indexes.

    `block(first, count)` is what the program is given, and the index in it of step `first`;
    `pick(block, index)` is the batch there.
    """

    def __init__(self, owner: str, batches: Any, steps: int | None, at_once: int):
        self._owner, self._size = owner, at_once
        self._function: Callable[..., Any] | None = None
        self._whole: Any = None
        self._iterable: Iterable[Any] | None = None
        if callable(batches):
            self._function = batches
        elif _is_stack(batches):
            self._whole = batches
            there = {np.shape(x)[0] if np.ndim(x) else 0 for x in jax.tree.leaves(batches)}
            if len(there) != 1 or (steps is not None and min(there) < steps):
                rule = f"arrays with a first axis of {steps or 'all'} steps"
                remedy = (
                    "stack a batch for each step, or pass an iterable or a function of the step"
                )
                _checks.fail(owner, "batches", rule, jax.tree.map(np.shape, batches), remedy)
        elif isinstance(batches, Iterable):
            # (One that can be begun again is; what cannot, is kept.)
            self._iterable = _Kept(iter(batches)) if iter(batches) is batches else batches
        else:
            rule = "stacked arrays, an iterable of batches, or a function of the step"
            _checks.fail(owner, "batches", rule, batches, "pass one of them")
        self._rest: Iterator[Any] = iter(())

    @property
    def steps(self) -> int | None:
        """How many there are, if that is known."""
        return None if self._whole is None else np.shape(jax.tree.leaves(self._whole)[0])[0]

    def restart(self) -> None:
        """Begin again at step 0."""
        self._rest = iter(()) if self._iterable is None else iter(self._iterable)

    def block(self, first: int, count: int) -> tuple[Any, int]:
        """Batches of the steps from `first`, and where among them `first` is."""
        if self._function is not None:
            return None, first
        if self._iterable is None:
            return self._whole, first
        taken = list(itertools.islice(self._rest, count))
        if len(taken) < count:
            rule = f"enough for all steps ({first + count} and more)"
            remedy = "pass more, or fewer steps"
            _checks.fail(self._owner, "batches", rule, f"{first + len(taken)}", remedy)
        taken += taken[-1:] * (self._size - count)  # blocks of one size: one program
        return jax.tree.map(lambda *xs: np.stack([np.asarray(x) for x in xs]), *taken), 0

    def first(self) -> Any:
        """A block as a program will be given one, for its shapes."""
        if self._iterable is None:
            return self.block(0, 1)[0]
        self.restart()
        example = self.block(0, 1)[0]
        self.restart()
        return example

    def pick(self, block: Any, index: Array, member: Array | None) -> Any:
        """The batch at `index`: that of all members, or of one."""
        if self._function is not None:
            return self._function(index) if member is None else self._function(index, member)
        batch = jax.tree.map(lambda x: x[index], block)
        return batch if member is None else jax.tree.map(lambda x: x[member], batch)


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
