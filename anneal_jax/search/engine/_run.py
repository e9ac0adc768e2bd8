"""The host's part in training a population: blocks of steps and rungs."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from .._halving import survivors
from ._batches import Batches
from ._memory import Fitted
from ._plans import is_key
from ._program import Population, Programs
from ._record import Members, Record


class Run:
    """A population in training."""

    def __init__(
        self,
        programs: Programs,
        fitted: Fitted,
        batches: Batches,
        plans: Any,
        members: Members,
        record: Record,
        devices: int,
    ):
        self._programs, self._fitted, self._batches = programs, fitted, batches
        self._record, self._devices = record, devices
        self._evaluate = programs.evaluate(fitted.lanes)
        self._reorder = programs.reorder
        batches.restart()
        fill = np.zeros(fitted.size - len(members.row), int)
        padded = [np.concatenate([x, np.full_like(fill, x[0])]) for x in members]
        real = np.arange(fitted.size) < len(members.row)
        self.members, self._real = Members(*padded), real
        self._end = np.where(real, self.members.end, 0)
        order = self._dealt(np.argsort(-self._end, kind="stable"))
        self.members, self._real = self.members.take(order), real[order]
        self._end = self._end[order]
        rows = self.members.row
        self._population: Population = programs.init(
            self._put(jax.tree.map(lambda x: _rows(x, rows), plans)),
            self._put(self.members.seed.astype(np.uint32)),
            self._put(self.members.member.astype(np.int32)),
            self._put(self._end.astype(np.int32)),
        )
        self._consts = programs.train_consts
        self._pending: Callable[[], None] | None = None

    def advance(self, first: int, count: int) -> None:
        """Train for `count` steps after step `first`; records the losses of the block before."""
        block, index = self._batches.block(first, count)
        numbers = (self._programs.replicated(np.int32(x)) for x in (index, first, count))
        block = self._programs.replicated(block)
        self._population, losses = self._fitted.train(
            self._consts, self._population, block, *numbers
        )
        self.settle()  # while the device works
        members, end, real = self.members, self._end, self._real

        def record() -> None:
            there = np.asarray(losses)[real, :count]
            self._record.add(members.take(real), end[real], first, there)

        self._pending = record

    def settle(self) -> None:
        """Wait for the losses of all blocks."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending()

    def score(self, step: int, window: int) -> None:
        """Score the members that have trained up to `step`."""
        self.settle()
        at = self._real & (self._end >= step)
        ids = self.members.member[at]
        if self._evaluate is None:
            self._record.score[ids] = self._record.finals(ids, window)
        else:
            self._record.score[ids] = np.asarray(self._evaluate(self._population, step))[at]

    def halve(self, step: int, keep: int) -> None:
        """Let only the best `keep` plans of those that go on train beyond `step`."""
        alive = self._real & (self._end > step)
        plans, ids = self.members.plan[alive], self.members.member[alive]
        stay = np.isin(self.members.plan, survivors(plans, self._record.score[ids], keep)) & alive
        self._record.stopped[self.members.member[alive & ~stay]] = True
        end = np.where(alive & ~stay, step, self._end)
        order = self._dealt(np.argsort(~stay, kind="stable"))
        self.members, self._real = self.members.take(order), self._real[order]
        self._end = end[order]
        self._population = self._reorder(
            self._population,
            self._programs.replicated(order.astype(np.int32)),
            self._put(self._end.astype(np.int32)),
        )

    def states(self, members: np.ndarray) -> Any:
        """The states of some members, stacked, on every process."""
        slots = [int(np.flatnonzero(self._real & (self.members.member == m))[0]) for m in members]
        index = self._programs.replicated(np.array(slots, np.int32))
        return self._programs.gather(self._population.state, index)

    def _put(self, tree: Any) -> Any:
        return self._programs.parted(tree)

    def _dealt(self, order: np.ndarray) -> np.ndarray:
        """`order` such that each device gets its share of the first ones."""
        return order.reshape(-1, self._devices).T.reshape(-1)


def _rows(x: Any, rows: np.ndarray) -> Any:
    """Rows of an array, taken on the host: on a device each shape would be a program."""
    return x[rows] if is_key(x) else np.asarray(x)[rows]


def blocks(stops: Sequence[int], at_once: int) -> list[tuple[int, int]]:
    """First step and number of steps of each dispatch; all of `stops` are ends of one."""
    found, first = [], 0
    for stop in stops:
        parts = -(-(stop - first) // at_once)
        for k in range(parts):
            count = (stop - first) // (parts - k)
            found.append((first, count))
            first += count
    return found
