"""What is known of a population in training, on the host."""

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ... import _checks
from ._batches import BatchesEnded


class Members(NamedTuple):
    """Members to be trained together; arrays of one number each."""

    row: np.ndarray  # in the group's stacked plans
    plan: np.ndarray  # in the whole population
    seed: np.ndarray
    member: np.ndarray  # in the whole population
    end: np.ndarray  # steps to train

    def take(self, index: Any) -> "Members":
        """Some of them, or all in another order."""
        return Members(*(x[index] for x in self))


class Record:
    """What is known of a population so far."""

    def __init__(self, owner: str, ends: np.ndarray):
        self._owner, self._ends = owner, ends
        self.losses = np.full((len(ends), int(ends.max())), np.nan, np.float32)
        self.steps = np.zeros(len(ends), int)  # trained
        self.score = np.full(len(ends), np.nan)  # of the last evaluation
        self.stopped = np.zeros(len(ends), bool)  # by a rung
        self.interruption = ""  # why it ended before its end, if it did

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
        """Ctrl-C, or the end of batches, ends the block; what is recorded by then stays."""
        try:
            yield
        except KeyboardInterrupt:
            self.interruption = "stopped by hand"
        except BatchesEnded as error:
            self.interruption = str(error)
            warnings.warn(f"{self._owner}: {error}", UserWarning, stacklevel=4)

    def finals(self, members: np.ndarray, window: int) -> np.ndarray:
        """The mean loss of the last `window` steps; NaN for what has none."""
        out = np.full(len(members), np.nan)
        for i, member in enumerate(members):
            if self.steps[member]:
                out[i] = self.losses[member, : self.steps[member]][-window:].mean(dtype=float)
        return out

    def outcome(self, window: int) -> tuple[np.ndarray, np.ndarray]:
        """How each member ended, and its final loss."""
        done = self.steps == self._ends
        status = np.where(self.stopped, "stopped", np.where(done, "finished", "interrupted"))
        last = self.losses[np.arange(len(done)), np.maximum(self.steps - 1, 0)]
        lost = ~np.isfinite(last) & (self.steps > 0)
        if not self.interruption:  # else what is done may not be scored yet
            lost |= done & ~np.isfinite(self.score)
        status = np.where(lost, "diverged", status)
        unscored = np.isnan(self.score) & (status == "interrupted")
        means = self.finals(np.arange(len(done)), window)
        return status, np.where(unscored, means, self.score)
