"""The engine under range test, sweep and tune: members are trained by programs compiled once."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from jaxtyping import PyTree

from ._batches import Batches
from ._memory import compiled_to_fit
from ._plans import PlanStack, structure_of
from ._program import Executable, Programs
from ._settings import Settings
from ._trainer import Members, Record, Trainer
from ._training import Training


class Executables:
    """What was compiled, by all that it depends on; engines that share one compile once."""

    def __init__(self) -> None:
        self._found: dict[Any, tuple[int, Executable]] = {}

    def get(self, key: Any, members: int, make: Callable[[], Executable]) -> Executable:
        """That of `key` for so many members or more, which takes fewer, too; else a new one."""
        if key not in self._found or self._found[key][0] < members:
            self._found[key] = members, make()
        return self._found[key][1]


class Engine:
    """Trains the members of one population, and records how they do.

    Args:
      owner: the function that is called, for messages.
      training: how one member trains.
      batches: what they train on.
      ends: int[members], the steps of each.
      settings: how they are laid out.
      evaluate: from a state to a score, if that is not to be the training loss.
      executables: of earlier engines.
    """

    def __init__(
        self,
        owner: str,
        training: Training,
        batches: Batches,
        ends: np.ndarray,
        settings: Settings,
        evaluate: Callable[[PyTree], Any] | None = None,
        executables: Executables | None = None,
    ):
        self._owner, self._training, self._batches = owner, training, batches
        self._settings, self._evaluate = settings, evaluate
        self._executables = Executables() if executables is None else executables
        self.record = Record(owner, ends)
        self.notes: list[str] = []  # how each part of the population trained
        batches.prepare(
            int(ends.max()), settings.at_once, len(ends) if settings.per_member else None
        )

    def trainers(self, stack: PlanStack, members: Members, seeds: int = 1) -> Iterator[Trainer]:
        """One for each part of `members` that fits the memory, mostly all of them.

        Those of one plan, `seeds` of them, stay together where that is possible; long runs train
        with long ones.
        """
        executable = self._executable(stack, members)
        size = executable.size // seeds * seeds or executable.size
        order = np.argsort(-members.end, kind="stable")
        parts = [members.take(order[k : k + size]) for k in range(0, len(order), size)]
        self.notes.append(_note(executable, len(parts)))
        for part in parts:
            yield Trainer(executable, self._batches, stack.plans, part, self.record)

    def _executable(self, stack: PlanStack, members: Members) -> Executable:
        masked = len(np.unique(members.end)) > 1
        functions = (
            self._training.init,
            self._training.step,
            self._evaluate,
            *self._batches.functions,
        )
        shapes = structure_of(stack.shape), structure_of(self._batches.example)
        key = (shapes, masked, self._settings, tuple(_Same(f) for f in functions))

        def make() -> Executable:
            programs = Programs(
                self._owner,
                self._training,
                stack.shape,
                self._batches,
                self._evaluate,
                self._settings,
            )
            return compiled_to_fit(self._owner, programs, len(members.row), masked=masked)

        return self._executables.get(key, len(members.row), make)


class _Same:
    """An object as part of a key: equal to itself alone, and kept alive by the key."""

    def __init__(self, it: Any):
        self._it = it

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._it is other._it

    def __hash__(self) -> int:
        return id(self._it)


def _note(executable: Executable, parts: int) -> str:
    devices = executable.programs.settings.devices
    side = f"{executable.lanes} at a time" + (
        f" on each of {devices} devices" if devices > 1 else ""
    )
    cut = f", in {parts} parts of {executable.size} for want of memory" if parts > 1 else ""
    return side + cut + f", {executable.memory / 2**20:.0f} MiB"
