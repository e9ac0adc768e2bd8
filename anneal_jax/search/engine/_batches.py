"""Where a population's data come from: stacked arrays, an iterable of batches, or a function."""

import abc
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import Any, NoReturn

import jax
import numpy as np
from jaxtyping import PyTree

from ... import _checks
from ..._types import Array
from ._data import misfit


class BatchesEnded(Exception):
    """An iterable had too few batches, or an odd one, which only showed in training."""


class Batches(abc.ABC):
    """Batches by step, in blocks that a compiled program indexes."""

    functions: tuple[Callable[..., PyTree], ...] = ()  # those that become part of a program
    steps: int | None = None  # how many batches there are, where arrays tell

    def __init__(self, owner: str):
        self._owner = owner

    @abc.abstractmethod
    def prepare(self, steps: int, at_once: int, members: int | None) -> None:
        """Say what will be asked: so many steps and so many at once, for all or each member."""

    @functools.cached_property
    def example(self) -> PyTree:
        """A block as a program will be given one, for its shapes."""
        return self.block(0, 1)[0]

    @abc.abstractmethod
    def block(self, first: int, count: int) -> tuple[PyTree, int]:
        """What holds the batches of the steps from `first`, and the index of `first` in it.

        Blocks are asked for in their order; step 0 begins anew.
        """

    def pick(self, block: PyTree, index: Array, member: Array | None) -> PyTree:
        """The batch at an index of a block: that of all members, or of one."""
        batch = jax.tree.map(lambda x: x[index], block)
        return batch if member is None else jax.tree.map(lambda x: x[member], batch)

    def _require_members(self, members: int | None) -> None:
        if members is None:
            return
        if {np.shape(x)[1:2] for x in jax.tree.leaves(self.example)} != {(members,)}:
            rule = f"arrays with an axis of all {members} members after that of steps"
            _fail(self._owner, rule, _shapes(self.example))


class Stacked(Batches):
    """One tree of arrays with an axis of steps in front."""

    def __init__(self, owner: str, arrays: PyTree):
        super().__init__(owner)
        self._arrays = arrays
        _require_data(owner, arrays)
        first = {np.shape(x)[:1] for x in jax.tree.leaves(arrays)}
        if len(first) != 1 or () in first:
            _fail(owner, "arrays with the same first axis, that of steps", _shapes(arrays))
        (self.steps,) = first.pop()

    def prepare(self, steps: int, at_once: int, members: int | None) -> None:
        del at_once
        there = self.steps or 0
        if there < steps:
            _too_few(self._owner, f"arrays with a first axis of {steps} steps", there)
        self._require_members(members)

    def block(self, first: int, count: int) -> tuple[PyTree, int]:
        del count
        return self._arrays, first


class Streamed(Batches):
    """An iterable of batches, stacked block by block."""

    def __init__(self, owner: str, iterable: Iterable[PyTree]):
        super().__init__(owner)
        # (One that can be begun again is; what cannot, is kept.)
        once = iter(iterable) is iterable
        self._iterable: Iterable[PyTree] = _Kept(iter(iterable)) if once else iterable
        self._rest: Iterator[PyTree] = iter(())
        self._size, self._shape = 1, None

    def prepare(self, steps: int, at_once: int, members: int | None) -> None:
        self._size = at_once
        if isinstance(self._iterable, Sized) and len(self._iterable) < steps:
            _too_few(self._owner, f"enough for all {steps} steps", len(self._iterable))
        self._require_members(members)

    def block(self, first: int, count: int) -> tuple[PyTree, int]:
        if first == 0:
            self._rest = iter(self._iterable)
        taken = list(itertools.islice(self._rest, count))
        there = first + len(taken)
        if first == 0:
            if len(taken) < count:
                _too_few(self._owner, f"enough for all steps ({count} and more)", there)
            self._shape = _shapes(taken[0])
            _require_data(self._owner, taken)
        elif len(taken) < count:
            raise BatchesEnded(
                f"batches ended after {there} of them; trained are {first} steps "
                f"(steps={there} takes them all)"
            )
        for batch in taken:
            if _shapes(batch) != self._shape:
                if first == 0:
                    _fail(self._owner, "of one structure and shape", [self._shape, _shapes(batch)])
                raise BatchesEnded(f"batches change their shape; trained are {first} steps")
        taken += taken[-1:] * (self._size - count)  # blocks of one size: one program
        return jax.tree.map(lambda *xs: np.stack([np.asarray(x) for x in xs]), *taken), 0


class Computed(Batches):
    """A function that makes the batch of a step, or of a step and a member, in the program."""

    def __init__(self, owner: str, function: Callable[..., PyTree]):
        super().__init__(owner)
        self.functions, self._function = (function,), function

    def prepare(self, steps: int, at_once: int, members: int | None) -> None:
        del steps, at_once, members

    def block(self, first: int, count: int) -> tuple[PyTree, int]:
        del count
        return None, first

    def pick(self, block: PyTree, index: Array, member: Array | None) -> PyTree:
        del block
        batch = self._function(index) if member is None else self._function(index, member)
        _require_data(self._owner, batch)
        return batch


class _Kept(Iterable[PyTree]):
    """An iterator that can be begun again: what came of it is kept."""

    def __init__(self, rest: Iterator[PyTree]):
        self._rest, self._seen = rest, []

    def __iter__(self) -> Iterator[PyTree]:
        for i in itertools.count():
            if i == len(self._seen):
                try:
                    self._seen.append(next(self._rest))
                except StopIteration:
                    return
            yield self._seen[i]


def batches_of(owner: str, batches: Any) -> Batches:
    """`batches`, of whichever of the three kinds they are."""
    if callable(batches):
        return Computed(owner, batches)
    if _is_stack(batches):
        return Stacked(owner, batches)
    if not isinstance(batches, Iterable) or isinstance(batches, str | bytes | Mapping):
        _fail(owner, "stacked arrays, an iterable of batches, or a function of the step", batches)
    return Streamed(owner, batches)


def _is_stack(batches: Any) -> bool:
    """Whether `batches` is a tree of arrays (rather than a list of batches, or a loader).

    A number among the arrays makes no difference: what is wrong with it is told in those terms.
    """
    if isinstance(batches, list | Iterator):
        return False
    leaves = jax.tree.leaves(batches, is_leaf=lambda x: isinstance(x, Iterator))
    arrays = [isinstance(x, jax.Array | np.ndarray) for x in leaves]
    return any(arrays) and all(a or np.isscalar(x) for a, x in zip(arrays, leaves, strict=True))


def _shapes(tree: PyTree) -> PyTree:
    return jax.tree.map(np.shape, tree)


def _require_data(owner: str, batches: PyTree) -> None:
    """Require arrays and numbers, one at least."""
    found = misfit(batches)
    if found is not None or not jax.tree.leaves(batches):
        place, value = found or ("", None)
        _fail(owner, f"made of arrays and numbers{place}", value)


def _too_few(owner: str, rule: str, there: int) -> NoReturn:
    remedy = f"pass more of them, or steps={there}" if there else "pass more of them"
    _checks.fail(owner, "batches", rule, there, remedy)


def _fail(owner: str, rule: str, value: Any) -> NoReturn:
    remedy = "pass stacked arrays or an iterable with a batch for each step, or a function"
    _checks.fail(owner, "batches", rule, value, remedy)
