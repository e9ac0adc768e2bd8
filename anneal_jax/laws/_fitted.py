"""What a fit gives: a law, how far it may be off, what it has seen; and its predictions."""

import dataclasses
import json
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from .. import _checks
from .._exponential_sums import ScheduleOrRates, rates_of
from .._types import Array
from . import _saved
from ._law import Law, last_loss
from ._measured import Measured, measured, padded
from ._pictures import drawn_fit, drawn_prediction
from ._range import Range
from ._runs import RunLike, checked_runs
from ._statistics import noise_of, normal_quantile, robust_deviation, root_mean_square

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PLACES = 128  # at most, of a curve whose interval is worked out; straight lines between them
_LEAST = 5e-4  # relative: where losses are less noisy, a law's misfit is as if they were that
_ALONE = 4.0  # times the misfit, if all that is known is one run


class Prediction(NamedTuple):
    """The loss curve of a schedule as a fit predicts it; made by `Fit.predict`.

    Attributes:
      losses: float64[steps], the loss after each step; infinite before the first positive rate.
      low: float64[steps], the lower ends of the intervals.
      high: float64[steps], the upper ends.
      probability: probability with which each interval is meant to hold the loss.
    """

    losses: np.ndarray
    low: np.ndarray
    high: np.ndarray
    probability: float

    @property
    def loss(self) -> float:
        """The loss after the last step."""
        return float(self.losses[-1])

    @property
    def interval(self) -> tuple[float, float]:
        """The lower and the upper end of the interval of the loss after the last step."""
        return float(self.low[-1]), float(self.high[-1])

    def plot(self, ax: "Axes | None" = None, *, label: str = "prediction") -> "Axes":
        """The predicted losses over steps, in the band of their intervals.

        Losses of the first tenth of the steps do not set the limits.

        Args:
          ax: matplotlib axes; by default new ones. In those of another prediction, this one gets
            another look, and the limits widen.
          label: what to call it in the legend.

        Returns:
          The axes.
        """
        return drawn_prediction(self.losses, (self.low, self.high, self.probability), label, ax)


LawT = TypeVar("LawT", bound=Law)


@dataclasses.dataclass(frozen=True)
class Fit(Generic[LawT]):
    """A law fitted to runs; made by `fit`, or read by `load_fit`.

    Attributes:
      law: the law with the best parameters.
      members: laws that other data could have given, as one law whose parameters are arrays.
      residuals: for each run, float64[n]: the logarithm of the law's loss over the run's.
      held_out: mean absolute residual of losses that were left out of a fit; about a mean
        relative error. How they are left out: `fit`.
      converged: whether the optimizer converged.
      seen: peaks, lengths and lowest rates of the runs.
    """

    law: LawT
    members: LawT
    residuals: tuple[np.ndarray, ...]
    held_out: float
    converged: bool
    seen: Range

    @property
    def error(self) -> float:
        """The mean absolute residual: about the mean relative error on the runs themselves."""
        return float(np.mean(np.abs(np.concatenate(self.residuals))))

    def predict(
        self, schedule: ScheduleOrRates, steps: int | None = None, *, probability: float = 0.8
    ) -> Prediction:
        """The loss after every step of a schedule, with an interval.

        The interval of a loss `L` reaches from `L * exp(-w)` to `L * exp(w)`. Its half width is
        `w = z * hypot(spread of the members, misfit)`, where `z` is the quantile of the normal
        distribution (1.28 for a probability of .8) and `misfit` is `Fit.misfit`.

        Args:
          schedule: a schedule, or float[steps], the rate of each step.
          steps: number of steps, for a schedule that has no length of its own.
          probability: probability of the interval, between 0 and 1.

        Returns:
          A `Prediction`. A warning tells if the schedule goes beyond the runs of the fit (a
          larger peak, more steps, a deeper fall), and how far.

        Raises:
          ValueError: for rates that are not positive, and arguments out of range.

        Example:
            >>> import anneal_jax as anneal, numpy as np
            >>> from anneal_jax.laws import LevelLaw, fit
            >>> cosine = anneal.warmup_cosine(3e-4, 100, 2_000)
            >>> at = np.arange(100, 2_000, 20)
            >>> losses = LevelLaw(2.5, 0.5, 0.5, 300.0)(cosine)[at]
            >>> wsd = anneal.warmup_stable_decay(3e-4, 100, 400, 2_000)
            >>> print(f"{fit(LevelLaw, [(cosine, at, losses)]).predict(wsd).loss:.2f}")
            3.11
        """
        owner = "predict"
        _checks.number(owner, "probability", probability, above=0, below=1)
        rates = rates_of(owner, "schedule", schedule, steps)
        self.warn(owner, [rates])
        with jax.enable_x64(True):
            losses = np.asarray(self.law(rates), float)
        moving = int(np.argmax(rates > 0))
        places = np.unique(np.linspace(moving, len(rates) - 1, _PLACES).round().astype(int))
        wide = np.interp(np.arange(len(rates)), places, self.spread(rates, places))
        wide *= normal_quantile(probability)
        return Prediction(losses, losses * np.exp(-wide), losses * np.exp(wide), probability)

    def spread(self, rates: np.ndarray, places: np.ndarray) -> np.ndarray:
        """float64[places], the standard deviation of a predicted loss's logarithm.

        Args:
          rates: float64[steps], the rate of every step.
          places: int[places], the steps that are asked about.
        """
        return np.hypot(robust_deviation(self.ratios(rates, places)), self.misfit)

    @property
    def misfit(self) -> float:
        """The part of `spread` that no choice of parameters explains: what the law does not know.

        `misfit = hypot(law.misfit * hypot(5e-4, noise), end)`

        `noise` is the standard deviation of the runs' losses about a smooth curve, and
        `law.misfit` how far, in units of it, laws of this class were off on other schedules of
        real runs (four times that where there is one run alone). `end` is the root mean square of
        the residuals in the last tenth of each run. How the numbers were found: `docs/laws.md`.
        """
        alone = _ALONE if len(self.residuals) == 1 else 1.0
        noise = root_mean_square([noise_of(run) for run in self.residuals])
        ends = [run[-max(1, len(run) // 10) :] for run in self.residuals]
        known = alone * type(self.law).misfit * np.hypot(_LEAST, noise)
        return float(np.hypot(known, root_mean_square(np.concatenate(ends))))

    def ratios(self, rates: np.ndarray, places: np.ndarray) -> np.ndarray:
        """float64[members, places]: logarithms of the members' losses over the law's."""
        with jax.enable_x64(True):
            past = jax.tree.map(jnp.asarray, padded(measured(rates, places)))
            return np.asarray(_ratios(self.law, self.members, past))

    def plot(self, runs: "RunLike | Iterable[RunLike]", ax: "Axes | None" = None) -> "Axes":
        """The law's loss curves over the losses of runs, such as those of the fit.

        Args:
          runs: as for `fit`.
          ax: matplotlib axes; by default new ones.

        Returns:
          The axes.

        Raises:
          ValueError: for runs that `fit` refuses.
        """
        curves = checked_runs("Fit.plot", runs)
        with jax.enable_x64(True):
            drawn = [np.asarray(self.law(curve.rates), float) for curve in curves]
        return drawn_fit(drawn, [(curve.steps, curve.losses) for curve in curves], ax)

    def last(self, rates: np.ndarray) -> float:
        """The law's loss after the last step alone."""
        return last_loss(self.law, rates)

    def warn(self, owner: str, every: Iterable[np.ndarray]) -> None:
        """Warn of each schedule, given by its rates, that goes beyond the runs of the fit."""
        for rates in every:
            beyond = self.seen.outside(rates)
            if beyond:
                message = f"{owner}: the schedule is outside of what was fitted: "
                warnings.warn(message + "; ".join(beyond), UserWarning, stacklevel=3)

    def as_data(self) -> dict[str, Any]:
        """All of it as numbers, strings, lists and dictionaries."""
        return _saved.as_data(**vars(self))

    def save(self, path: str | Path) -> None:
        """Write it to a file as JSON, to be read by `load_fit`."""
        Path(path).write_text(json.dumps(self.as_data(), indent=1) + "\n")


def load_fit(path: str | Path, kind: type[Law] | None = None) -> Fit:
    """Read what `Fit.save` wrote.

    Args:
      path: the file.
      kind: the law's class, for a law of your own.

    Returns:
      The same `Fit`.

    Raises:
      ValueError: for a file that `Fit.save` did not write, and a law whose class is not known.

    Example:
        >>> import anneal_jax as anneal, numpy as np, tempfile, pathlib
        >>> from anneal_jax.laws import LevelLaw, fit, load_fit
        >>> cosine = anneal.warmup_cosine(3e-4, 100, 2_000)
        >>> at = np.arange(100, 2_000, 20)
        >>> found = fit(LevelLaw, [(cosine, at, LevelLaw(2.5, 0.5, 0.5, 300.0)(cosine)[at])])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     found.save(pathlib.Path(folder) / "fit.json")
        ...     load_fit(pathlib.Path(folder) / "fit.json").law == found.law
        True
    """
    return Fit(**_saved.read("load_fit", path, kind))


@jax.jit
def _ratios(law: Law, members: Law, past: Measured) -> Array:
    def logs(one: Law) -> Array:
        return jnp.log(jnp.maximum(one.losses(past), 1e-3))

    return jax.vmap(logs)(members) - logs(law)[None]
