"""The host's part in training: which members train, for how long, and what is known of them."""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import PyTree

from ... import _checks
from ._batches import Batches, BatchesEnded
from ._data import is_key
from ._program import Executable, Population


class Members(NamedTuple):
    """Members to be trained together; arrays of one number each."""

    row: np.ndarray  # in the group's stacked plans
    plan: np.ndarray  # in the whole population
    seed: np.ndarray
    member: np.ndarray  # in the whole population
    end: np.ndarray  # steps to train; 0: it only fills a slot

    def take(self, index: Any) -> "Members":
        """Some of them, or all in another order."""
        return Members(*(x[index] for x in self))

    def padded(self, size: int) -> "Members":
        """Them, and copies of the first that train for no step."""
        spare = size - len(self.row)
        slots = self.take(np.concatenate([np.arange(len(self.row)), np.zeros(spare, int)]))
        return slots._replace(end=np.concatenate([self.end, np.zeros(spare, int)]))


class Record:
    """What is known of a population so far."""

    def __init__(self, owner: str, ends: np.ndarray):
        self._owner, self.ends = owner, ends
        self.losses = np.full((len(ends), int(ends.max())), np.nan, np.float32)
        self.steps = np.zeros(len(ends), int)  # trained
        self.score = np.full(len(ends), np.nan)  # of the last evaluation
        self.stopped = np.zeros(len(ends), bool)  # by a rung
        self.interruption = ""  # why it ended before its end, if it did

    def add(self, members: Members, first: int, losses: np.ndarray) -> None:
        """The losses of some steps, in the order of `members`."""
        if first == 0 and len(losses) and not np.isfinite(losses[:, 0]).any():
            got = f"{losses[0, 0]} for every member"
            remedy = "check data, parameters and the loss itself, as no step has been taken yet"
            _checks.fail(self._owner, "the loss at step 0", "finite", got, remedy)
        until = np.minimum(first + losses.shape[1], members.end)
        for slot, member in enumerate(members.member):
            if until[slot] > first:
                self.losses[member, first : until[slot]] = losses[slot, : until[slot] - first]
                self.steps[member] = until[slot]

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        """Ctrl-C, or the end of batches, ends the block; what is recorded by then stays."""
        try:
            yield
        except KeyboardInterrupt:
            self.interruption = "stopped by hand"
        except BatchesEnded as error:
            self.interruption = str(error)
            warnings.warn(f"{self._owner}: {error}", UserWarning, stacklevel=5)

    def finals(self, members: np.ndarray, window: int) -> np.ndarray:
        """The mean loss of the last `window` steps; NaN for what has none."""
        out = np.full(len(members), np.nan)
        for i, member in enumerate(members):
            if self.steps[member]:
                out[i] = self.losses[member, : self.steps[member]][-window:].mean(dtype=float)
        return out

    def outcome(self, window: int) -> tuple[np.ndarray, np.ndarray]:
        """How each member ended, and its final loss."""
        done = self.steps == self.ends
        status = np.where(self.stopped, "stopped", np.where(done, "finished", "interrupted"))
        last = self.losses[np.arange(len(done)), np.maximum(self.steps - 1, 0)]
        lost = ~np.isfinite(last) & (self.steps > 0)
        if not self.interruption:  # else what is done may not be scored yet
            lost |= done & ~np.isfinite(self.score)
        status = np.where(lost, "diverged", status)
        unscored = np.isnan(self.score) & (status == "interrupted")
        means = self.finals(np.arange(len(done)), window)
        return status, np.where(unscored, means, self.score)


class Trainer:
    """Members in training, all in memory at once."""

    def __init__(
        self,
        executable: Executable,
        batches: Batches,
        plans: PyTree,
        members: Members,
        record: Record,
    ):
        self._executable, self._programs = executable, executable.programs
        self._settings = executable.programs.settings
        self._batches, self._record = batches, record
        slots = members.padded(executable.size)
        self._slots = slots.take(self._dealt(np.argsort(-slots.end, kind="stable")))
        self._population: Population = self._programs.init(
            self._put(jax.tree.map(lambda x: _rows(x, self._slots.row), plans)),
            self._put(self._slots.seed.astype(np.uint32)),
            self._put(self._slots.member.astype(np.int32)),
            self._put(self._slots.end.astype(np.int32)),
        )
        self._pending: Callable[[], None] | None = None

    def train(self, stops: Sequence[int], bar: Any) -> Iterator[int]:
        """Train up to the last of `stops`; gives the step that each dispatch ends at."""
        try:
            for first, count in blocks(stops, self._settings.at_once):
                self._advance(first, count)
                bar.update(count)
                yield first + count
        except (KeyboardInterrupt, BatchesEnded):
            self.settle()
            raise

    def _advance(self, first: int, count: int) -> None:
        """Train for `count` steps after step `first`; records the losses of the block before."""
        block, index = self._batches.block(first, count)
        numbers = (np.int32(x) for x in (index, first, count))
        self._population, losses = self._executable.train(
            self._population, *(self._settings.replicated(x) for x in (block, *numbers))
        )
        self.settle()  # while the device works
        there = self._slots.end > 0
        members = self._slots.take(there)
        self._pending = lambda: self._record.add(members, first, np.asarray(losses)[there, :count])

    def settle(self) -> None:
        """Wait for the losses of all blocks."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending()

    def score(self, step: int, window: int) -> None:
        """Score the members that have trained up to `step`."""
        self.settle()
        at = self._slots.end >= max(step, 1)
        ids = self._slots.member[at]
        if self._executable.evaluate is None:
            self._record.score[ids] = self._record.finals(ids, window)
        else:
            scores = np.asarray(self._executable.evaluate(self._population, step))
            self._record.score[ids] = scores[at]

    def scores(self, members: Members) -> np.ndarray:
        """The last score of each of `members`."""
        return self._record.score[members.member]

    def beyond(self, step: int) -> Members:
        """The members that train beyond `step`."""
        return self._slots.take(self._slots.end > step)

    def stop(self, step: int, members: Members) -> None:
        """Stop `members` at `step`; those that go on move together, dealt over the devices."""
        stopped = (self._slots.end > 0) & np.isin(self._slots.member, members.member)
        self._record.stopped[members.member] = True
        slots = self._slots._replace(end=np.where(stopped, step, self._slots.end))
        order = self._dealt(np.argsort(slots.end <= step, kind="stable"))
        self._slots = slots.take(order)
        self._population = self._programs.reorder(
            self._population,
            self._settings.replicated(order.astype(np.int32)),
            self._put(self._slots.end.astype(np.int32)),
        )

    def best(self, count: int) -> tuple[np.ndarray, PyTree]:
        """Of the members that no rung has stopped, those of the lowest scores; their states."""
        ids = self._slots.member[self._slots.end > 0]
        ids = np.sort(ids[~self._record.stopped[ids]])
        ids = ids[lowest(self._record.score[ids], count)]
        slots = [np.flatnonzero((self._slots.end > 0) & (self._slots.member == m))[0] for m in ids]
        index = self._settings.replicated(np.array(slots, np.int32))
        return ids, self._programs.gather(self._population.state, index)

    def _put(self, tree: PyTree) -> PyTree:
        return self._settings.parted(tree)

    def _dealt(self, order: np.ndarray) -> np.ndarray:
        """`order` such that each device gets its share of the first ones."""
        return order.reshape(-1, self._settings.devices).T.reshape(-1)


def lowest(scores: np.ndarray, count: int) -> np.ndarray:
    """Places of the lowest, best first; what is not finite comes last."""
    return np.argsort(np.nan_to_num(scores, nan=np.inf), kind="stable")[:count]


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
