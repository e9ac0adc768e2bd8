"""Learning-rate range test: one short run in which the rate grows until the loss diverges."""

import dataclasses
import functools
import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import PyTree

from .. import _checks
from .._progress import progress_bar
from ..schedules._exponentials import Exponential
from ..schedules._schedule import Schedule
from ..schedules._segments import Linear
from ._divergence import doubt, stops
from ._range_picture import drawn
from ._suggest import Suggestions, smoothed, suggestions
from .engine import (
    Engine,
    Members,
    Settings,
    Training,
    batches_of,
    require_room,
    require_training,
    stacked_plans,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_OWNER = "lr_range_test"
_AT_ONCE = 25  # steps in a dispatch: how far a run may go on after it has diverged
_LEAST = 23  # steps: fewer leave nothing to read after the first tenth and the last five


@dataclasses.dataclass(frozen=True)
class RangeTest:
    """The outcome of `lr_range_test`.

    Attributes:
      rates: float64[steps], the rates tried, up to the end of the longest run.
      losses: float32[runs, steps], the loss of each step; NaN after the end of a run.
      smoothed: float64[runs, steps], the exponential mean of the losses, with bias correction.
      planned: number of steps that a run without divergence has.
      name: the hyperparameter that varies.
      spacing: growth of the rate, "exponential" or "linear".
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    planned: int
    name: str
    spacing: str

    @functools.cached_property
    def each(self) -> list[Suggestions]:
        """The suggestions of every run.

        Raises:
          ValueError: if a run diverged so early that there is nothing to read.
        """
        return [suggestions(self.rates, run, self.planned) for run in self._runs()]

    @property
    def suggestions(self) -> Suggestions:
        """Valley, steep, minimum and slide, as fastai defines them; the median over runs."""
        return Suggestions(*(float(np.median(x)) for x in zip(*self.each, strict=True)))

    @property
    def spread(self) -> dict[str, tuple[float, float]]:
        """The smallest and the largest of every suggestion among the runs."""
        columns = zip(*self.each, strict=True)
        return {
            name: (min(x), max(x)) for name, x in zip(Suggestions._fields, columns, strict=True)
        }

    @functools.cached_property
    def note(self) -> str:
        """Why the suggestions say little, in one sentence; empty if nothing speaks against them.

        They do where the loss of most runs does not fall by more than its noise.
        """
        try:
            count = len(self.each)
        except ValueError:  # which tells why there are none
            return ""
        rows = zip(self.losses, self._runs(), strict=True)
        doubts = [doubt(raw[: len(run)], run, self.planned) for raw, run in rows]
        found = [words for words in doubts if words]
        if 2 * len(found) <= count:
            return ""
        return f"{found[0]}, so suggestions say little; see that it trains, or try other rates"

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Losses over rates, with the suggestions where there are any.

        The picture ends above where the loss began; what diverges leaves it there.

        Args:
          ax: matplotlib axes; by default new ones.

        Returns:
          The axes.
        """
        try:
            found, spread = self.suggestions._asdict(), self.spread
        except ValueError:  # the picture tells why
            found, spread = {}, {}
        return drawn(self, self._runs(), found, spread, ax)

    def __repr__(self) -> str:
        runs, steps = self.losses.shape
        head = f"RangeTest of {self.name}: {steps} of {self.planned} steps, {runs} runs"
        try:
            found = self.suggestions._asdict()
        except ValueError as error:
            return f"{head}; {error}"
        told = ", ".join([head, *(f"{rule} {rate:.2e}" for rule, rate in found.items())])
        return f"{told}; {self.note}" if self.note else told

    def _runs(self) -> list[np.ndarray]:
        """Smoothed losses of each run, without what comes after it stopped."""
        kept = [int(np.isfinite(run).sum()) for run in self.losses]
        return [run[:n] for run, n in zip(self.smoothed, kept, strict=True)]


def lr_range_test(
    training: Training,
    batches: PyTree | Iterable[PyTree] | Callable[..., PyTree],
    *,
    low: float = 1e-7,
    high: float = 10.0,
    steps: int = 100,
    spacing: Literal["exponential", "linear"] = "exponential",
    name: str | None = None,
    runs: int = 1,
    smoothing: float = 0.98,
    diverged: float | None = 4.0,
    per_member: bool = False,
    progress: bool = True,
) -> RangeTest:
    """Train while the rate grows from `low` to `high`, and read off which rates are good.

    - "exponential": `rate(t) = low * (high / low) ** (t / steps)`
    - "linear": `rate(t) = low + (high - low) * t / steps`

    A run ends when its smoothed loss exceeds `diverged` times its minimum, or is not finite. Where
    some losses are below 0 (log-likelihoods, negative rewards), no ratio tells: there it ends
    when the smoothed loss exceeds its minimum by `diverged - 1` times the size of that minimum,
    or of the largest loss in the first tenth of the steps if that is more. A loss that never
    falls by more than its noise gets a warning. The caller's parameters and optimizer state are
    copied, never changed.

    Args:
      training: the initialization and the step of a run; see `Training`. With
        `Training.from_step`, one's own step and state.
      batches: stacked arrays, an iterable, or a function of the step, as for `sweep`.
      low: rate of the first step; above 0 for exponential spacing.
      high: rate one step after the last.
      steps: number of steps, 23 or more.
      spacing: growth of the rate, "exponential" or "linear".
      name: hyperparameter that varies in place of the learning rate: a keyword of the optimizer
        (`Training.from_loss`), such as "weight_decay", or a name among
        `anneal_jax.hyperparams` of the state (`Training.from_step`), such as a group's rate.
      runs: number of runs, seeded 0, 1, ..., side by side in one program. They differ in their
        parameters, where these are made from a key, and in their data, with `per_member`.
      smoothing: share of the running mean of the loss that is kept in a step, from 0 to below 1.
      diverged: ratio of the smoothed loss to its minimum at which a run ends, above 1 (losses
        below 0: as above); None: a run ends only where the loss is not finite.
      per_member: whether each run has batches of its own, as for `sweep`.
      progress: whether to show a bar, where the standard error is a terminal.

    Returns:
      A `RangeTest`; after Ctrl-C, with the steps trained by then.

    Raises:
      ValueError: for bad arguments, and as `sweep` does.

    Example:
        >>> import anneal_jax as anneal, jax.numpy as jnp, optax
        >>> def loss(w, batch):
        ...     return jnp.mean((w * batch - 3.0 * batch) ** 2)
        >>> training = anneal.search.Training.from_loss(loss, optax.sgd, jnp.zeros(()))
        >>> data = jnp.sin(jnp.arange(800.0)).reshape(100, 8)
        >>> result = anneal.search.lr_range_test(training, data, low=1e-4, progress=False)
        >>> print(f"{result.suggestions.valley:.3f}")
        0.071

    Reference: Smith, [Cyclical Learning Rates for Training Neural
    Networks](https://arxiv.org/abs/1506.01186), 2015; the suggestions are those of fastai's
    `lr_find`.
    """
    ramp = _ramp(low, high, steps, spacing)
    _checks.steps(_OWNER, "runs", runs, least=1, remedy="count them")
    _checks.number(_OWNER, "smoothing", smoothing, least=0, below=1)
    if diverged is not None:
        _checks.number(_OWNER, "diverged", diverged, above=1)
    _checks.flag(_OWNER, "per_member", per_member)
    require_training(_OWNER, training)
    if name is not None and not isinstance(name, str):
        _checks.fail(_OWNER, "name", "that of a hyperparameter", name, "write it in quotes")
    require_room(_OWNER, runs, steps)
    plan = ramp.shift(training.begin) if training.begin else ramp
    (stack,) = stacked_plans(_OWNER, [plan if name is None else {name: plan}])
    ends, zeros, seeds = np.full(runs, steps), np.zeros(runs, int), np.arange(runs)
    settings = Settings(min(_AT_ONCE, steps), per_member, lanes=runs)
    engine = Engine(_OWNER, training, batches_of(_OWNER, batches), ends, settings)
    with progress_bar(_OWNER, steps, "step", progress) as bar, engine.record.interruptible():
        for trainer in engine.trainers(stack, Members(zeros, zeros, seeds, seeds, ends)):
            for step in trainer.train([steps], bar):
                trainer.settle()
                losses = engine.record.losses[trainer.beyond(0).member, :step]
                if (stops(losses, smoothed(losses, smoothing), diverged, steps) < step).all():
                    break
    losses = engine.record.losses
    means = smoothed(losses, smoothing)
    trained = int(engine.record.steps.max())
    ends = stops(losses[:, :trained], means[:, :trained], diverged, steps)
    done = int(ends.max())
    losses = np.where(np.arange(steps) < ends[:, None], losses, np.nan)[:, :done]
    # (NumPy's own: to evaluate the schedule once more would compile another program.)
    spaced = np.geomspace if spacing == "exponential" else np.linspace
    rates = spaced(low, high, steps + 1)[:done]
    found = RangeTest(rates, losses, means[:, :done], steps, name or "learning_rate", spacing)
    if found.note and not engine.record.interruption:
        warnings.warn(f"{_OWNER}: {found.note}.", UserWarning, stacklevel=2)
    return found


def _ramp(low: float, high: float, steps: int, spacing: str) -> Schedule:
    _checks.nearest(_OWNER, "spacing", spacing, ("exponential", "linear"))
    _checks.number(_OWNER, "low", low, least=0)
    if spacing == "exponential":
        _checks.number(_OWNER, "low", low, above=0, remedy='or take spacing="linear"')
    _checks.number(_OWNER, "high", high, above=low)
    _checks.steps(_OWNER, "steps", steps, least=_LEAST)
    kind = Exponential if spacing == "exponential" else Linear
    return kind(low, high, steps)
