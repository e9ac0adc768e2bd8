"""What a run leaves behind: a progress bar, a CSV, TensorBoard events and a figure."""

import csv
import math

import numpy as np
from tensorboardX import SummaryWriter
from tqdm import tqdm

from ..command_line import make_folder, reject
from .config import Config
from .figure import draw

COLUMNS = ("step", "learning_rate", "loss", "tokens_per_second", "val_loss")
LOG, FIGURE, SAMPLE = "log.csv", "schedule_and_loss.png", "sample.txt"
RESULTS = (LOG, FIGURE, SAMPLE, "events/events.out.tfevents.*")


class Report:
    """Takes in what happens. Use it in a `with`: leaving it writes what is left, and the figure."""

    def __init__(self, config: Config):
        self.folder = config.out
        name = config.schedule_config.name if config.schedule_config else config.schedule
        self._title = f"{name}, {config.steps:,} steps"
        self._planned = config.steps
        self._tokens = config.batch_size * config.block_size
        self._rows: list[dict] = []
        self._written = 0  # rows that are in the CSV
        make_folder(self.folder, RESULTS, config.overwrite)
        try:
            self._file = (self.folder / LOG).open("w", newline="", encoding="utf-8")
            self._events = SummaryWriter(str(self.folder / "events"))
        except OSError as error:
            rule, why = "a folder to write to", f"choose another ({error.strerror})"
            reject("out", rule, self.folder, why)
        self._csv = csv.DictWriter(self._file, COLUMNS)
        self._csv.writeheader()
        shown = {"disable": not config.progress, "dynamic_ncols": True, "unit": " steps"}
        shown["delay"] = 1e-3  # not before there is something to say: lines are printed first
        self._bar = tqdm(total=config.steps, **shown)
        self._now = self._held_out = ""  # what the bar says of the last steps and evaluation

    def __enter__(self) -> "Report":
        return self

    def __exit__(self, *exception: object) -> None:
        self._write()
        self._bar.close()
        self._events.close()
        self._file.close()
        if self._rows:
            draw(self._rows, self._planned, self._title, self.folder / FIGURE)

    def steps(self, first: int, rates: np.ndarray, losses: np.ndarray, seconds: float) -> None:
        """Steps `first`, `first + 1`, …, which together took that long."""
        self._write()
        speed = round(len(losses) * self._tokens / seconds)
        for step, (rate, loss) in enumerate(zip(rates, losses, strict=True), first):
            row = {"step": step, "learning_rate": float(rate), "loss": float(loss)}
            self._rows.append(row | {"tokens_per_second": speed})
            self._events.add_scalar("learning_rate", row["learning_rate"], step)
            self._add_loss("train", row["loss"], step)
        self._events.add_scalar("tokens_per_second", speed, step)
        self._now = f"{speed:,} tokens/s, rate {rates[-1]:.2e}, loss {losses.mean():.4g}"
        self._say()
        self._bar.update(len(losses))  # which draws the bar, once per dispatch

    def validation(self, loss: float) -> None:
        """The loss on held-out text after the last of these steps."""
        self._rows[-1]["val_loss"] = loss
        self._add_loss("validation", loss, self._rows[-1]["step"])
        self._held_out = f", held-out {loss:.4g}"
        self._say()
        if len(self._rows) == self._planned:
            self._bar.close()  # the last line of training, before what is printed next

    def sample(self, text: str) -> None:
        """What the trained model writes."""
        (self.folder / SAMPLE).write_text(text, encoding="utf-8")
        self._events.add_text("sample", text)

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
