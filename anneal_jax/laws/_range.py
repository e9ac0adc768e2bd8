"""What of schedules a fit has seen, and how far another goes beyond it."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

_NEAR = 1.05  # a peak or a length is outside of what was fitted from this factor on
_FALL = 0.15  # a rate is, if it falls below the lowest seen by more than this share of the peak


class Range(NamedTuple):
    """The range of schedules that a fit has seen.

    Attributes:
      lowest_peak: the smallest peak of a run.
      highest_peak: the largest peak of a run.
      steps: number of steps of the longest run.
      lowest_share: the lowest rate after a peak in any run, as a share of that peak.
    """

    lowest_peak: float
    highest_peak: float
    steps: int
    lowest_share: float

    @classmethod
    def of(cls, runs: Iterable[np.ndarray]) -> "Range":
        """The range of some runs, each given by the rates of all its steps."""
        rates = list(runs)
        peaks = [float(r.max()) for r in rates]
        return cls(min(peaks), max(peaks), max(map(len, rates)), min(map(_lowest_share, rates)))

    def outside(self, rates: np.ndarray) -> list[str]:
        """In what a schedule, given by its rates, goes beyond the range, and how far."""
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
