"""What a run leaves behind: a progress bar, a CSV, TensorBoard events and a figure."""

import csv

import numpy as np
from tensorboardX import SummaryWriter
from tqdm import tqdm

from ..command_line import BadInput
from .config import Config
from .figure import draw

COLUMNS = ("step", "learning_rate", "loss", "tokens_per_second", "val_loss")


class Report:
    """Takes in what happens. Use it in a `with`: leaving it writes what is left, and the figure."""

    def __init__(self, config: Config):
        self.folder = config.out
        self._title = f"{config.schedule_config or config.schedule}, {config.steps:,} steps"
        self._tokens = config.batch_size * config.block_size
        self._rows: list[dict] = []
        self._written = 0  # rows that are in the CSV
        try:
            events = self.folder / "events"
            events.mkdir(parents=True, exist_ok=True)
            for earlier in events.glob("events.out.tfevents.*"):
                earlier.unlink()  # else TensorBoard draws this run and the last as one
            self._file = (self.folder / "log.csv").open("w", newline="", encoding="utf-8")
        except OSError as error:
            rule = f"--out must be a folder to write to, got {self.folder}"
            raise BadInput(f"{rule}; choose another ({error.strerror}).") from None
        self._csv = csv.DictWriter(self._file, COLUMNS)
        self._csv.writeheader()
        self._events = SummaryWriter(str(events))
        self._bar = tqdm(total=config.steps, disable=not config.progress, dynamic_ncols=True)

    def __enter__(self) -> "Report":
        return self

    def __exit__(self, *exception: object) -> None:
        self._write()
        self._bar.close()
        self._events.close()
        self._file.close()
        if self._rows:
            draw(self._rows, self._title, self.folder / "schedule_and_loss.png")

    def steps(self, first: int, rates: np.ndarray, losses: np.ndarray, seconds: float) -> None:
        """Steps `first`, `first + 1`, …, which together took that long."""
        self._write()
        speed = round(len(losses) * self._tokens / seconds)
        for step, (rate, loss) in enumerate(zip(rates, losses, strict=True), first):
            row = {"step": step, "learning_rate": float(rate), "loss": float(loss)}
            self._rows.append(row | {"tokens_per_second": speed})
            self._events.add_scalar("learning_rate", row["learning_rate"], step)
            self._events.add_scalar("loss/train", row["loss"], step)
        self._events.add_scalar("tokens_per_second", speed, step)
        self._bar.update(len(losses))
        self._bar.set_postfix_str(
            f"rate {rates[-1]:.2e}, loss {losses.mean():.3f}, {speed:,} tokens/s"
        )

    def validation(self, loss: float) -> None:
        """The loss on held-out text after the last of these steps."""
        self._rows[-1]["val_loss"] = loss
        self._events.add_scalar("loss/validation", loss, self._rows[-1]["step"])

    def sample(self, text: str) -> None:
        """What the trained model writes."""
        (self.folder / "sample.txt").write_text(text, encoding="utf-8")
        self._events.add_text("sample", text)

    def _write(self) -> None:
        """Rows to the file: not at once, since a row's validation loss comes after it."""
        self._csv.writerows(self._rows[self._written :])
        self._file.flush()
        self._written = len(self._rows)
