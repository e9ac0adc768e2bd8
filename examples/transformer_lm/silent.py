"""In a run of several processes, the first writes for all."""

from pathlib import Path
from typing import Any

import jax
import numpy as np

from .report import NotFinite, Report
from .resume import Start


def open_report(start: Start) -> "Report | Silent":
    """The report of this process, on a run from its start or from a checkpoint on."""
    if jax.process_index() > 0:
        return Silent(start.config.out)
    plans, last = tuple(start.course.plans), start.course.last
    return Report(start.config, plans, last, start.step)


class Silent:
    """A report that writes nothing. It watches the loss: all processes stop where one does."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._coming: tuple[int, dict[str, Any]] | None = None

    def __enter__(self) -> "Silent":
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def start(self) -> None:
        pass

    def steps(self, first: int, rows: dict[str, Any]) -> None:
        self.flush()
        self._coming = first, rows

    def flush(self) -> None:
        if self._coming is not None:
            (first, arrays), self._coming = self._coming, None
            bad = np.flatnonzero(~np.isfinite(arrays["loss"]))
            if bad.size:
                row = {name: float(np.asarray(values)[bad[0]]) for name, values in arrays.items()}
                raise NotFinite({"step": first + int(bad[0])} | row)

    def validation(self, loss: float, cooled: float | None = None) -> None:
        self.flush()

    def sample(self, text: str) -> None:
        pass
