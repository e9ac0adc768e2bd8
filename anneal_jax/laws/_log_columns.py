"""Which columns of a log are the step, the rate, and the losses of training and evaluation.

A name is read as words: `train/globalStep`, `lr-AdamW/pg1` and `Loss/val` are `train global step`,
`lr adam w pg1` and `loss val`. Words that say where a number was logged (`train`, `metrics`) do not
count, those of held-out data tell the two losses apart, and what remains is looked up below.
"""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from .. import _checks
from ._log_numbers import is_number
from ._log_table import Table
from ._log_text import OWNER, fail, listed, short

EVALUATED = {"val", "valid", "validation", "eval", "evaluation", "evaluate", "test", "testing"}
EVALUATED |= {"dev", "heldout", "held", "holdout"}
_PLACES = {"train", "training", "trainer", "metric", "metrics", "log", "logs", "scalars", "scalar"}
_PLACES |= {"optim", "optimizer", "scheduler", "monitor", "summary", "stats", "charts", "perf"}
_PLACES |= {"out", "losses"}  # (`out` of `held_out`)
_STEPS = ["global step", "globalstep", "optimizer step", "update step", "current steps", "step"]
_STEPS += ["steps", "current step", "num updates", "num steps", "updates", "update", "n updates"]
_STEPS += ["global iter", "global iteration", "iteration", "iterations", "iter", "iters", "it"]
_STEPS += ["itr", "batches", "batch", "total timesteps", "timesteps"]
_STEPS += ["global step max steps"]
_RATES = ["learning rate", "lr", "learningrate", "current learning rate", "current lr", "cur lr"]
_RATES += ["last lr"]
_LOSSES = ["loss", "loss step", "step loss", "loss iter", "iter loss", "loss batch", "batch loss"]
_LOSSES += ["total loss", "loss total", "lm loss", "loss lm", "cross entropy", "cross entropy loss"]
_LOSSES += ["ce loss", "xent", "nll loss", "nll", "loss mean", "mean loss", "avg loss", "loss avg"]
_LOSSES += ["average loss", "global avg loss", "loss epoch", "epoch loss"]
_OTHER_RATES = {"min", "max", "base", "init", "initial", "peak", "end", "final", "scale", "vs"}
_OTHER_RATES |= {"scaling", "factor", "decay", "mult", "multiplier", "ratio", "schedule", "warmup"}
_OTHER_RATES |= {"momentum", "type", "name", "scheduler", "target"}
_SOUGHT = {
    "step": "step ('step', 'iter', …)",
    "learning_rate": "learning rate ('learning_rate', 'lr', …)",
    "loss": "training loss ('loss', 'train/loss', …)",
}
_ALIKE = {"step": {"epoch", "step"}, "learning_rate": {"lr", "rate"}, "loss": {"loss"}}
_LAST = 1000  # the rank of a name that only resembles those above
_WIDE = 0.9  # of the rows of the best column: how many those of a better known name must have
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+\d*|[A-Z]+\d*|\d+")


class Columns(NamedTuple):
    """The names of what is read."""

    step: str
    learning_rate: str
    loss: str
    eval_loss: str | None
    others: tuple[str, ...]  # that could have been the rate, too


def choose(path: Path, table: Table, given: Mapping[str, str | None]) -> Columns:
    """The columns that the user names, and for the others those whose names are known."""
    for argument, name in given.items():
        if name is not None and not (argument == "step" and table.step):
            _check(table, argument, name)
    rates, many = [given["learning_rate"]], ()
    if rates[0] is None:
        rates = _found(path, table, "learning_rate", _rate_rank)
        many = tuple(x for x in rates[1:] if _differ(table, rates[0], x))
    rate = str(rates[0])
    loss = given["loss"] or _loss(path, table, rate)
    if given["learning_rate"] is None or given["loss"] is None:
        _check_run(path, [rate, loss])
    held_out = given["eval_loss"] or next(iter(_ranked(table, _eval_rank)), None)
    step = table.step or given["step"] or _step(path, table, rate, loss)
    return Columns(step, rate, loss, None if held_out == loss else held_out, many)


def _check(table: Table, argument: str, name: Any) -> None:
    if name not in table.names:  # those that resemble it: there may be hundreds
        near = _near(str(name), table.names, 4, 0.0)
        _checks.nearest(OWNER, f"a {table.kind}", short(name), near)


def _found(path: Path, table: Table, argument: str, rank: Callable[[str], Any]) -> list[str]:
    """The best names; an error if there is none, or if they are of different runs."""
    names = _ranked(table, rank)
    if not names:
        rule = f"a log with a {table.kind} of the {_SOUGHT[argument]}"
        got = listed(sorted(table.names, key=lambda name: not _resembles(argument, name)))
        fail(path, rule, got or "no names", _remedy(table, argument))
    best = [name for name in names if rank(name) == rank(names[0])]
    _check_run(path, best)
    return best


def _check_run(path: Path, names: Sequence[str]) -> None:
    if len({_run(name) for name in names} - {""}) > 1:
        fail(path, "a log of one run", listed(names), "name its step, learning_rate and loss")


def _remedy(table: Table, argument: str) -> str:
    epochs = [name for name in table.names if is_epoch(name)]
    if argument == "step" and epochs:
        return f"pass step={short(epochs[0])!r} to count in epochs"
    near = _near(argument, table.names, 1, 0.75)
    if near:
        return f"did you mean {short(near[0])!r}? Then pass {argument}={short(near[0])!r}"
    return f"pass the name as {argument}="


def _near(name: str, names: Sequence[str], most: int, cutoff: float) -> list[str]:
    """The names that resemble one, of the first few hundred."""
    return difflib.get_close_matches(short(name), [short(x) for x in names[:500]], most, cutoff)


def _resembles(argument: str, name: str) -> bool:
    return not _ALIKE[argument].isdisjoint(_words(name))


def _ranked(table: Table, rank: Callable[[str], Any]) -> list[str]:
    """Names with a rank, the best first, of columns that have a number if any has."""
    names = sorted((name for name in table.names if rank(name)), key=rank)
    return [n for n in names if any(is_number(row.get(n)) for row in table.rows)] or names


def _loss(path: Path, table: Table, rate: str) -> str:
    """The loss that is known best, of an epoch if the rate is."""
    by_epoch = "epoch" in _words(rate)

    def rank(name: str) -> Any:
        found = _loss_rank(name)
        return found and (by_epoch != ("epoch" in _words(name)), *found)

    best = _found(path, table, "loss", rank)
    if len(best) > 1 and _loss_rank(best[0])[0] == _LAST:
        rule = "a log with one training loss, or have loss= named"
        fail(path, rule, listed(best), "pass one of these as loss=")
    return best[0]


def _step(path: Path, table: Table, rate: str, loss: str) -> str:
    """The step that is known best, of those that most rows with a rate or a loss have."""
    names = _found(path, table, "step", _step_rank) and _ranked(table, _step_rank)
    told = [row for row in table.rows if is_number(row.get(rate)) or is_number(row.get(loss))]
    there = [sum(is_number(row.get(name)) for row in told) for name in names]
    return next(n for n, k in zip(names, there, strict=True) if k >= _WIDE * max(there))


def _differ(table: Table, a: Any, b: Any) -> bool:
    return any(row.get(a) != row.get(b) for row in table.rows)


def _run(name: str) -> str:
    """The run that Weights & Biases puts before a name: `run-1 - train/loss`."""
    return name.rpartition(" - ")[0]


@lru_cache(4096)
def _words(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORD.findall(name.rpartition(" - ")[2]))


def _keys(name: str) -> list[str]:
    """What to look up: the words of a name, and those after its last slash."""
    ends = [name, re.split(r"[/:.|]", name)[-1]]
    held = [[w for w in _words(end) if w not in _PLACES | EVALUATED] for end in ends]
    return [" ".join(words) for words in held]


def _rank(name: str, known: Sequence[str]) -> tuple[int, int] | None:
    """The place in a list, then how long the name is; None if it is not there."""
    places = [known.index(key) for key in _keys(name) if key in known]
    return (min(places), len(_words(name))) if places else None


def _is_evaluated(name: str) -> bool:
    return not EVALUATED.isdisjoint(_words(name))


def _step_rank(name: str) -> Any:
    if name.startswith("_") and _rank(name, _STEPS):  # a service's own count, of rows
        return _LAST, 0
    return None if _is_evaluated(name) else _rank(name, _STEPS)


def _rate_rank(name: str) -> Any:
    words = _words(name)
    if not _OTHER_RATES.isdisjoint(words) or _is_evaluated(name):
        return None
    plain = " ".join(words).replace("learning rate", "lr").split()
    return _rank(name, _RATES) or ((_LAST, 0) if "lr" in plain or "lrs" in plain else None)


def _loss_rank(name: str) -> Any:
    return None if _is_evaluated(name) else _any_loss(name)


def _eval_rank(name: str) -> Any:
    found = _any_loss(name) if _is_evaluated(name) else None
    return found and ("test" in _words(name), *found)  # what is tested on is looked at last


def _any_loss(name: str) -> Any:
    words = _words(name)
    if not {"scale", "scaler", "weight", "coef", "vs"}.isdisjoint(words):
        return None
    return _rank(name, _LOSSES) or ((_LAST, 0) if "loss" in words else None)


def is_epoch(name: str) -> bool:
    """Whether a column counts epochs."""
    return _keys(name)[-1] == "epoch"
