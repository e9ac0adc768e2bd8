"""What a fit gives: a law, how far it may be off, what it has seen; predictions; plain data."""

import dataclasses
import json
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .. import _checks
from .._exponential_sums import rates_of
from .._types import Array
from ._functional import FunctionalScalingLaw
from ._law import Law
from ._level import LevelLaw
from ._momentum import MomentumLaw
from ._multi_power import MultiPowerLaw
from ._past import Last, Measured, measured

_PLACES = 128  # at most, of a curve whose interval is worked out; straight lines between them
_LEAST = 5e-4  # relative: where losses are less noisy, a law's misfit is as if they were that
_ALONE = 4.0  # times the misfit, if all that is known is one run
_NEAR = 1.05  # a peak or a length is outside of what was fitted from this factor on
_FALL = 0.15  # a rate is, if it falls below the lowest seen by more than this share of the peak
_KINDS = (LevelLaw, MomentumLaw, MultiPowerLaw, FunctionalScalingLaw)


class Range(NamedTuple):
    """What of schedules a fit has seen."""

    lowest_peak: float
    highest_peak: float
    steps: int  # of the longest run
    lowest_share: float  # of its peak to which the rate of a run has fallen

    @classmethod
    def of(cls, runs: Iterable[np.ndarray]) -> "Range":
        """From the rates of all steps of each run."""
        rates = list(runs)
        peaks = [float(r.max()) for r in rates]
        return cls(min(peaks), max(peaks), max(map(len, rates)), min(map(_lowest_share, rates)))

    def outside(self, rates: np.ndarray) -> list[str]:
        """In what a schedule goes beyond it, and how far; empty if in nothing."""
        peak, found = float(rates.max()), []
        if peak > _NEAR * self.highest_peak:
            times = peak / self.highest_peak
            found.append(f"its peak {peak:.3g} is {times:.2f} times {self.highest_peak:.3g}")
        if peak < self.lowest_peak / _NEAR:
            times = peak / self.lowest_peak
            found.append(f"its peak {peak:.3g} is {times:.2f} times {self.lowest_peak:.3g}")
        if len(rates) > _NEAR * self.steps:
            times = len(rates) / self.steps
            found.append(f"its {len(rates)} steps are {times:.2f} times {self.steps}")
        low = _lowest_share(rates)
        if low < self.lowest_share - _FALL:
            found.append(
                f"it falls to {low:.2g} of its peak, and no run below {self.lowest_share:.2g}"
            )
        return found


def _lowest_share(rates: np.ndarray) -> float:
    return float(rates[int(np.argmax(rates)) :].min() / rates.max())


class Prediction(NamedTuple):
    """The loss curve of a schedule, as a fit has it; made by `Fit.predict`."""

    losses: np.ndarray  # float64[steps]; infinite before the first positive rate
    low: np.ndarray  # float64[steps], the interval
    high: np.ndarray
    probability: float  # that the interval is meant to hold

    @property
    def loss(self) -> float:
        """After the last step."""
        return float(self.losses[-1])

    @property
    def interval(self) -> tuple[float, float]:
        """Of the loss after the last step."""
        return float(self.low[-1]), float(self.high[-1])


@dataclasses.dataclass(frozen=True)
class Fit:
    """A law fitted to runs; made by `fit`, or read by `load_fit`.

    Attributes:
      law: the best one.
      members: laws that other data could have given, as one whose parameters are arrays.
      residuals: of each run: logarithm of the law's loss over the run's.
      held_out: the mean absolute error of logarithms of losses it has not seen: about the mean
        relative error. See `fit`.
      converged: whether the optimizer did.
      seen: peaks, lengths and lowest rates of the runs.
    """

    law: Law
    members: Law
    residuals: tuple[np.ndarray, ...]
    held_out: float
    converged: bool
    seen: Range

    @property
    def error(self) -> float:
        """The mean absolute residual: about the mean relative error on the runs it has seen."""
        return float(np.mean(np.abs(np.concatenate(self.residuals))))

    def predict(
        self, schedule: Any, steps: int | None = None, *, probability: float = 0.8
    ) -> Prediction:
        """The loss after every step of a schedule, and an interval for each.

        An interval is the law's loss times `exp(-w)` to `exp(w)`, where `w` is that of a normal
        distribution whose variance is that of the members plus the square of `misfit`.

        Args:
          schedule: a schedule, or the rate of each step.
          steps: how many, where a schedule has no length of its own.
          probability: of the interval.

        Returns:
          A `Prediction`. A schedule beyond what the fit has seen is warned of, with the distance.

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
        """The standard deviation of the logarithm of a prediction, at some steps."""
        return np.hypot(_deviation(self.ratios(rates, places)), self.misfit)

    @property
    def misfit(self) -> float:
        """That part of it which no choice of parameters explains: what the law does not know.

        `hypot(law.misfit * hypot(5e-4, noise), end)`: how far laws of its kind were off on other
        schedules of real runs, where `noise` is that of the runs' losses about a smooth curve;
        four times that, if there is one run alone; and `end`, by how much the law misses the last
        tenths of its own runs. How its numbers were found: `docs/laws.md`.
        """
        alone = _ALONE if len(self.residuals) == 1 else 1.0
        noise = _root_mean_square([_noise(run) for run in self.residuals])
        ends = [run[-max(1, len(run) // 10) :] for run in self.residuals]
        known = alone * type(self.law).misfit * np.hypot(_LEAST, noise)
        return float(np.hypot(known, _root_mean_square(np.concatenate(ends))))

    def ratios(self, rates: np.ndarray, places: np.ndarray) -> np.ndarray:
        """float[members, places]: logarithms of the members' losses over the law's."""
        with jax.enable_x64(True):
            past = jax.tree.map(jnp.asarray, measured(rates, places))
            return np.asarray(_ratios(self.law, self.members, past))

    def last(self, rates: np.ndarray) -> float:
        """The law's loss after the last step alone."""
        with jax.enable_x64(True):
            return float(_last(self.law, jnp.asarray(rates)))

    def warn(self, owner: str, every: Iterable[np.ndarray]) -> None:
        """Say in what schedules go beyond the runs; once for each."""
        for rates in every:
            beyond = self.seen.outside(rates)
            if beyond:
                message = f"{owner}: the schedule is outside of what was fitted: "
                warnings.warn(message + "; ".join(beyond), UserWarning, stacklevel=3)

    def as_data(self) -> dict[str, Any]:
        """All of it as numbers, strings, lists and dictionaries."""
        return {
            "law": type(self.law).__name__,
            "parameters": {name: float(value) for name, value in vars(self.law).items()},
            "members": {name: np.asarray(v).tolist() for name, v in vars(self.members).items()},
            "residuals": [run.tolist() for run in self.residuals],
            "held_out": self.held_out,
            "converged": self.converged,
            "seen": self.seen._asdict(),
        }

    def save(self, path: str | Path) -> None:
        """Write it as JSON, to be read by `load_fit`."""
        Path(path).write_text(json.dumps(self.as_data(), indent=1) + "\n")


def load_fit(path: str | Path, kind: type[Law] | None = None) -> Fit:
    """Read what `Fit.save` wrote.

    Args:
      path: the file.
      kind: the law's class, if it is one of your own.

    Returns:
      The same `Fit`.

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
    data = json.loads(Path(path).read_text())
    kinds = {one.__name__: one for one in (*_KINDS, *([kind] if kind else []))}
    name = data.get("law") if isinstance(data, dict) else None
    if name not in kinds:
        remedy = "pass its class as kind" if name else "pass a file that Fit.save wrote"
        _checks.fail("load_fit", "the law in path", f"one of {', '.join(kinds)}", name, remedy)
    members = {key: np.array(values) for key, values in data["members"].items()}
    return Fit(
        kinds[name](**data["parameters"]),
        law_of(kinds[name], members),
        tuple(np.array(run) for run in data["residuals"]),
        data["held_out"],
        data["converged"],
        Range(**data["seen"]),
    )


def law_of(kind: type[Law], members: dict[str, np.ndarray]) -> Law:
    """Many laws as one, whose parameters are arrays."""
    like = kind(**dict.fromkeys(members, 0.5))
    leaves = [members[field.name] for field in dataclasses.fields(kind)]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def normal_quantile(probability: float) -> float:
    """How many standard deviations to each side hold it."""
    from scipy.special import ndtri

    return float(ndtri(0.5 + probability / 2))


def _noise(run: np.ndarray) -> float:
    """Of residuals about the mean of their neighbours, a standard deviation if they are normal."""
    apart = np.median(np.abs(run[1:-1] - (run[:-2] + run[2:]) / 2))
    return float(apart / (np.sqrt(1.5) * normal_quantile(0.5)))


def _root_mean_square(values: Any) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _deviation(ratios: np.ndarray) -> np.ndarray:
    """A standard deviation, by the middle two thirds: a few wild members do not move it."""
    low, high = np.quantile(ratios, [1 / 6, 5 / 6], axis=0)
    return (high - low) / 2 / normal_quantile(2 / 3)


@jax.jit
def _last(law: Law, rates: Array) -> Array:
    return law.losses(Last(rates))[0]


@jax.jit
def _ratios(law: Law, members: Law, past: Measured) -> Array:
    def logs(one: Law) -> Array:
        return jnp.log(jnp.maximum(one.losses(past), 1e-3))

    return jax.vmap(logs)(members) - logs(law)[None]
