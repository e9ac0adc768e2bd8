"""What a run leaves behind: a progress bar, a CSV, TensorBoard events and a figure."""

import csv
import math
import time
from contextlib import nullcontext, suppress
from typing import Any

import numpy as np
from tensorboardX import SummaryWriter
from tqdm import tqdm

from ..command_line import reject
from . import history
from .config import Config
from .figure import draw
from .history import EVENTS, FIGURE, LOG, SAMPLE


class NotFinite(Exception):
    """Training has left the numbers."""

    def __init__(self, row: dict[str, Any]):
        super().__init__(
            f"the loss must stay finite, got {row['loss']} at step {row['step']} with learning "
            f"rate {row['learning_rate']:.3g}; lower --peak or lengthen --warmup."
        )


class Report:
    """Takes in what happens. Use it in a `with`: leaving it writes what is left, and the figure.

    What its folder has of steps before `first`, where the run goes on, is kept; what it has of
    later ones goes, as they are made again.
    """

    def __init__(
        self,
        config: Config,
        plans: tuple[str, ...],
        last: int | None = None,
        first: int = 0,
    ):
        self.folder = config.out
        name = config.schedule_config.name if config.schedule_config else config.schedule
        self._last = config.steps if last is None else last
        self._title = f"{name}, {self._last:,} steps"
        self._tokens = config.batch_size * config.block_size
        self._plans = plans
        self._rows = history.rows(self.folder / LOG, first)
        self._written = 0  # rows that are in the CSV
        cooled = ("cooled_loss",) if config.preview_cooldown else ()
        columns = ("step", *plans, "loss", "tokens_per_second", "val_loss", *cooled)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._open(dict.fromkeys([*columns, *(name for row in self._rows for name in row)]))
            history.trim(self.folder / EVENTS, first)
            self._events = SummaryWriter(
                str(self.folder / EVENTS),
                purge_step=first or None,
                filename_suffix=f".{first}",  # the name's other parts tell seconds, at best
            )
        except OSError as error:
            rule, why = "a folder to write to", f"choose another ({error.strerror})"
            reject("out", rule, self.folder, why)
        shown = {"disable": not config.progress, "dynamic_ncols": True, "unit": " steps"}
        shown["delay"] = 1e-3  # not before there is something to say: lines are printed first
        self._bar = tqdm(total=self._last, initial=first, **shown)
        self._now = self._held_out = ""  # what the bar says of the last steps and evaluation
        self._coming: tuple[int, dict[str, Any]] | None = None  # what the device still computes
        self._since = time.perf_counter()

    def _open(self, columns: dict[str, None]) -> None:
        """A CSV with the rows so far, which takes the place of an earlier one at once."""
        new = self.folder / f"{LOG}.new"
        self._file = new.open("w", newline="", encoding="utf-8")
        self._csv = csv.DictWriter(self._file, columns)
        self._csv.writeheader()
        self._write()
        new.replace(self.folder / LOG)

    def __enter__(self) -> "Report":
        return self

    def __exit__(self, kind: type | None, *exception: object) -> None:
        if kind is None:
            self.catch_up()
        self._bar.close()
        # Where the disk is full, what was to be told of it is told.
        with nullcontext() if kind is None else suppress(OSError):
            self._write()
            self._events.close()
            self._file.close()
        if self._rows:
            draw(self._rows, self._last, self._title, self.folder / FIGURE)

    def start(self) -> None:
        """The clock runs from here on."""
        self._since = time.perf_counter()

    def steps(self, first: int, rows: dict[str, Any]) -> None:
        """Steps `first`, `first + 1`, …: arrays of what each of them used and lost.

        They are read when the next ones come, so that the device does not wait for the report.
        """
        self.catch_up()
        self._coming = first, rows

    def catch_up(self) -> None:
        """Read what has been left to the device so far."""
        if self._coming is None:
            return
        (first, arrays), self._coming = self._coming, None
        arrays = {name: np.asarray(values) for name, values in arrays.items()}  # waits for them
        self._write()
        now = time.perf_counter()
        speed = round(len(arrays["loss"]) * self._tokens / (now - self._since))
        self._since = now
        for i in range(len(arrays["loss"])):
            row = {"step": first + i} | {name: float(a[i]) for name, a in arrays.items()}
            self._rows.append(row | {"tokens_per_second": speed})
            for name in self._plans:
                self._events.add_scalar(name, row[name], row["step"])
            self._add_loss("train", row["loss"], row["step"])
            if not math.isfinite(row["loss"]):
                raise NotFinite(row)
        self._events.add_scalar("tokens_per_second", speed, self._rows[-1]["step"])
        rate, loss = self._rows[-1]["learning_rate"], arrays["loss"].mean()
        self._now = f"{speed:,} tokens/s, rate {rate:.2e}, loss {loss:.4g}"
        self._say()
        self._bar.update(len(arrays["loss"]))  # which draws the bar, once per dispatch

    def validation(self, loss: float, cooled: float | None = None) -> None:
        """The loss on held-out text after the last of these steps.

        `cooled` is what it would be after a cooldown from there.
        """
        self.catch_up()
        step = self._rows[-1]["step"]
        self._rows[-1]["val_loss"] = loss
        self._add_loss("validation", loss, step)
        self._held_out = f", held-out {loss:.4g}"
        if cooled is not None:
            self._rows[-1]["cooled_loss"] = cooled
            self._add_loss("cooled", cooled, step)
            self._held_out += f" (cooled {cooled:.4g})"
        self._say()
        if step + 1 == self._last:
            self._bar.close()  # the last line of training, before what is printed next
        self.start()  # evaluation is no training

    def flush(self) -> None:
        """All that has come so far to the disk, as a checkpoint is about to be written."""
        self.catch_up()
        self._write()
        self._events.flush()

    def sample(self, text: str) -> None:
        """What the trained model writes."""
        (self.folder / SAMPLE).write_text(text, encoding="utf-8")
        self._events.add_text("sample", text, self._last - 1)

    def _say(self) -> None:
        """What the bar shows when it is drawn next."""
        self._bar.set_postfix_str(f"{self._now}{self._held_out}", refresh=False)

    def _add_loss(self, part: str, loss: float, step: int) -> None:
        """A loss to TensorBoard, which has no place for one that is no number."""
        if math.isfinite(loss):
            self._events.add_scalar(f"loss/{part}", loss, step)

    def _write(self) -> None:
        """Rows to the file: not at once, since a row's validation loss comes after it."""
        self._csv.writerows(self._rows[self._written :])
        self._file.flush()
        self._written = len(self._rows)
