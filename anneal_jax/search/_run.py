"""The host's part in training a population: blocks of steps, records, rungs."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from .. import _checks
from ._batches import Batches
from ._fit import Fitted
from ._halving import survivors
from ._plans import is_key
from ._program import Population, Programs


class Members(NamedTuple):
    """Members to be trained together; arrays of one number each."""

    row: np.ndarray  # in the group's stacked plans
    plan: np.ndarray  # in the whole population
    seed: np.ndarray
    member: np.ndarray  # in the whole population
    end: np.ndarray  # steps to train

    def __getitem__(self, index: Any) -> "Members":  # pyright: ignore[reportIncompatibleMethodOverride]
        return Members(*(x[index] for x in tuple(self)))


class Record:
    """What is known of a population so far, on the host."""

    def __init__(self, owner: str, members: int, steps: int):
        self._owner = owner
        self.losses = np.full((members, steps), np.nan, np.float32)
        self.steps = np.zeros(members, int)  # trained
        self.score = np.full(members, np.nan)  # of the last evaluation
        self.status = np.full(members, "waiting", dtype="<U11")
        self.interrupted = False

    def add(self, members: Members, end: np.ndarray, first: int, losses: np.ndarray) -> None:
        """The losses of some steps, in the order of `members`."""
        if first == 0 and len(losses) and not np.isfinite(losses[:, 0]).any():
            got = f"{losses[0, 0]} for every member"
            remedy = "check data, parameters and the loss itself, as no step has been taken yet"
            _checks.fail(self._owner, "the loss at step 0", "finite", got, remedy)
        until = np.minimum(first + losses.shape[1], end)
        for slot, member in enumerate(members.member):
            if until[slot] > first:
                self.losses[member, first : until[slot]] = losses[slot, : until[slot] - first]
                self.steps[member] = until[slot]

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        """Ctrl-C ends the block, and what is recorded by then stays."""
        try:
            yield
        except KeyboardInterrupt:
            self.interrupted = True

    def finals(self, members: np.ndarray, window: int) -> np.ndarray:
        """The mean loss of the last `window` steps; NaN for what has none."""
        out = np.full(len(members), np.nan)
        for i, member in enumerate(members):
            if self.steps[member]:
                out[i] = self.losses[member, : self.steps[member]][-window:].mean(dtype=float)
        return out


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
        self.members, self._real, self._end = self.members[order], real[order], self._end[order]
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
            self._record.add(members[real], end[real], first, there)

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
        self._record.status[self.members.member[alive & ~stay]] = "stopped"
        end = np.where(alive & ~stay, step, self._end)
        order = self._dealt(np.argsort(~stay, kind="stable"))
        self.members, self._real, self._end = self.members[order], self._real[order], end[order]
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
