"""Checkpoints of a run: the state and what to know of it, written by Orbax beside training."""

import logging
import math
import shutil
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp
from orbax.checkpoint import checkpoint_managers as policies

from ..command_line import BadInput, reject
from . import packing

FOLDER = "checkpoints"  # in the folder of a run
ITEMS = ("state", "about")


class NotWritten(Exception):
    """A checkpoint is missing, for want of room perhaps."""


def exist(out: Path) -> bool:
    """Whether a run has left a whole checkpoint there; one that was being written is none."""
    return any(path.name.isdecimal() for path in (out / FOLDER).glob("*"))


def going_on(out: Path | None) -> str:
    """From where a run that was stopped would be resumed."""
    if out is None or not exist(out):
        return ""
    with Checkpoints(out) as saved:
        return f", and --resume goes on from step {saved.steps()[-1]:,}"


def check_room(out: Path, state: Any) -> None:
    """Refuse to take a step where the next checkpoint would not fit, before anything is written."""
    folder = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    needed, free = sum(x.nbytes for x in jax.tree.leaves(state)), shutil.disk_usage(folder).free
    if free < needed:
        rule = f"in a place with room for checkpoints of {needed:,} bytes"
        reject("out", rule, f"{out} with {free:,} bytes free", "make room there, or choose another")


class Checkpoints:
    """Those of the run in a folder. Leaving the `with` waits for the one that is being written.

    Each is written under another name and renamed when it is whole, so that a run which is killed
    meanwhile has the ones before. Without `keep` they are only read.
    """

    def __init__(self, out: Path, keep: int | None = None):
        logging.getLogger("absl").setLevel(logging.CRITICAL)  # what matters is raised
        self.out = out
        ours = {"create": True, "cleanup_tmp_directories": True, "preservation_policy": kept(keep)}
        options = {"read_only": True, "save_interval_steps": 0} if keep is None else ours
        try:
            self._manager = ocp.CheckpointManager(
                (out / FOLDER).absolute(),
                item_names=ITEMS,
                options=ocp.CheckpointManagerOptions(
                    best_fn=validation_loss, best_mode="min", **options
                ),
            )
        except OSError as error:
            reject("out", "a folder to write to", out, f"choose another ({error.strerror})")

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self._manager.close()
        except Exception as error:
            raise self._not_written(error) from None

    def steps(self) -> list[int]:
        return sorted(self._manager.all_steps())

    def about(self, step: int) -> dict[str, Any]:
        """What was saved beside the state."""
        return self._read(step, about=ocp.args.JsonRestore())["about"]

    def state(self, step: int, like: Any) -> Any:
        """The saved state, placed as the arrays that are described by `like`."""
        saved, wanted = (
            {name: kind for name, *kind in found}
            for found in (self.about(step)["layout"], packing.layout(like))
        )
        if saved != wanted:
            first = next(n for n in [*wanted, *saved] if saved.get(n) != wanted.get(n))
            got = f"{first}: {saved.get(first)} instead of {wanted.get(first)}"
            raise self._unreadable(step, got)
        packed = self._read(step, state=ocp.args.StandardRestore(packing.packed_like(like)))
        return packing.unpack(packed["state"], like)

    def save(self, step: int, state: Any, about: dict[str, Any], validation_loss: float) -> None:
        """Begin to write one; `validation_loss` is NaN where there was no evaluation."""
        # JSON has no NaN; and what is not known is not the best.
        loss = validation_loss if math.isfinite(validation_loss) else 1e300
        about = about | {"layout": packing.layout(state)}
        args = ocp.args.Composite(
            state=ocp.args.StandardSave(packing.pack(state)), about=ocp.args.JsonSave(about)
        )
        try:
            self._manager.save(step, args=args, metrics={"val_loss": loss}, force=True)
        except Exception as error:  # of the one before, too, which was written meanwhile
            raise self._not_written(error) from None

    def wait(self) -> None:
        """Until all is written."""
        try:
            self._manager.wait_until_finished()
        except Exception as error:
            raise self._not_written(error) from None

    def drop_after(self, step: int) -> None:
        for later in self.steps():
            if later > step:
                self._manager.delete(later)

    def _read(self, step: int, **items: Any) -> Any:
        try:
            return self._manager.restore(step, args=ocp.args.Composite(**items))
        except Exception as error:  # of many kinds, by what is broken
            why = " ".join(str(error).split())[:200] or type(error).__name__
            raise self._unreadable(step, why) from None

    def _unreadable(self, step: int, why: str) -> BadInput:
        earlier = [f"--at {s}" for s in self.steps() if s < step]
        remedy = f"go back to an earlier one with {earlier[-1]}" if earlier else "begin another run"
        return BadInput(
            f"the checkpoint of step {step} in {self.out} must be whole and of this model and "
            f"optimizer, got one that cannot be read ({why}); {remedy}."
        )

    def _not_written(self, error: Exception) -> NotWritten:
        whole = self.steps()
        have = f"the last whole one is of step {whole[-1]}" if whole else "there is none yet"
        why = " ".join(str(error).split())[:200] or type(error).__name__
        return NotWritten(
            f"the checkpoint in {self.out} could not be written ({why}); {have}: make room there, "
            "or choose another --out."
        )


def validation_loss(metrics: dict[str, float]) -> float:
    return metrics["val_loss"]


def kept(last: int | None) -> Any:
    """This many of the last, and the one of the lowest held-out loss; 0: all."""
    if not last:
        return policies.LatestN()
    best = policies.BestN(get_metric_fn=validation_loss, reverse=True, n=1)
    return policies.AnyPreservationPolicy([policies.LatestN(last), best])
