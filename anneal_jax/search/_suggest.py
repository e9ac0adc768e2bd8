"""Which rate a range test suggests: fastai's four readings of a curve of losses over rates.

The rules read the smoothed losses by index, so they do not ask how the rates are spaced; only
`steep` takes slopes, over the logarithm of the rate. All decide in float32, as fastai does: a
tie or a threshold there is one here. Plain NumPy, for curves that are already on the host.
"""

from bisect import bisect_left
from typing import NamedTuple

import numpy as np

from .. import _checks

_LAST = 5  # points dropped from the end, where the loss already diverges
_WINDOW = 15  # points between the two slopes that `slide` compares
_FLAT = 0.005  # slopes that differ by no more than this are one slope, in loss per point


class Suggestions(NamedTuple):
    """Rates suggested by fastai's four rules for a range test.

    Attributes:
      valley: rate about half way down the longest descent of the loss.
      steep: rate at which the loss falls fastest per factor in the rate.
      minimum: a tenth of the rate of the lowest loss.
      slide: rate at which the slope of the loss, followed from the end, stops changing.
    """

    valley: float
    steep: float
    minimum: float
    slide: float


def smoothed(losses: np.ndarray, beta: float) -> np.ndarray:
    """The exponential mean of losses so far, free of the bias towards its start at 0.

    `s_t / (1 - beta**(t + 1))` with `s_t = beta * s_(t-1) + (1 - beta) * loss_t`, `s_(-1) = 0`.
    There is no mean after an infinite loss: as in fastai, it is NaN from the next loss on.

    Args:
      losses: shape `(..., steps)`, one loss per step.
      beta: share of the mean that is kept in a step, from 0 to below 1; 0.98 in fastai.

    Returns:
      float64, of the shape of `losses`.

    Example:
        >>> smoothed(np.array([4.0, 1.0, 1.0]), 0.5).round(3).tolist()
        [4.0, 2.0, 1.429]

    Reference: fastai's `AvgSmoothLoss`.
    """
    losses = np.asarray(losses, np.float64)
    means = np.empty_like(losses)
    mean = np.zeros(losses.shape[:-1])
    for t in range(losses.shape[-1]):
        kept = np.where(np.isinf(mean), np.nan, beta * mean)
        mean = kept + (1 - beta) * losses[..., t]
        means[..., t] = mean
    return means / (1 - beta ** np.arange(1.0, losses.shape[-1] + 1))


def suggestions(rates: np.ndarray, losses: np.ndarray, planned: int) -> Suggestions:
    """The rates that fastai's four rules suggest after a range test.

    The first `planned // 10` points and the last 5 are dropped, then all from the first NaN on.
    Of what is left,

    - valley: between a third and two thirds down the longest run of points, gaps allowed, that
      each lie below the one before
    - steep: the start of the interval of least `(change of loss) / (change of log rate)`
    - minimum: a tenth of the rate of the lowest loss
    - slide: compare the slopes (change of loss per point) 15 points apart, from the end
      backwards, while they differ by more than 0.005; the left point of the last that did

    Args:
      rates: shape `(recorded,)`, rising, in any spacing.
      losses: shape `(recorded,)`, smoothed, as recorded; fewer than `planned` where the test
        stopped early.
      planned: number of points of a test that does not stop early.

    Returns:
      One rate by each rule.

    Raises:
      ValueError: if fewer than 16 points are left, which `slide` needs.

    Example:
        >>> rates = np.geomspace(1e-6, 1.0, 61)
        >>> found = suggestions(rates, rates - np.tanh(np.log10(rates) + 3), planned=61)
        >>> [f"{rate:.0e}" for rate in found]
        ['4e-04', '8e-04', '5e-03', '4e-06']

    Reference: fastai's `Learner.lr_find`; Smith, [Cyclical Learning Rates for Training Neural
    Networks](https://arxiv.org/abs/1506.01186), 2015.
    """
    rates, losses = (np.asarray(x)[planned // 10 : -_LAST] for x in (rates, losses))
    with np.errstate(over="ignore"):  # beyond float32 is infinite, to fastai too
        losses = losses.astype(np.float32)
    gaps = np.flatnonzero(np.isnan(losses))
    count = int(gaps[0]) if len(gaps) else len(losses)
    if count <= _WINDOW:
        rule = (
            f"numbers at {_WINDOW + 1} steps or more, "
            f"not counting the first {planned // 10} and the last {_LAST}"
        )
        _checks.fail("lr_range_test", "losses", rule, count, "take more steps, or a smaller start")
    rates, losses = rates[:count], losses[:count]
    return Suggestions(
        valley=float(rates[_valley(losses)]),
        steep=float(rates[_steep(rates, losses)]),
        minimum=float(rates[np.argmin(losses)]) / 10,
        slide=float(rates[_slide(losses)]),
    )


def _valley(losses: np.ndarray) -> int:
    """Half way, in thirds rounded down, from `end - length` to the end of the longest descent."""
    end, length = _longest_descent(losses)
    # One before the first point where the descent has no gaps. fastai reads that -1 as Python
    # does, from the back; and a curve without any descent starts at 0.
    start = end - length if end else 0
    third = (end - start) / 3
    return start + int(third) + int(third / 2)


def _longest_descent(losses: np.ndarray) -> tuple[int, int]:
    """Where the longest strictly falling subsequence ends, the first of equals, and its length.

    Patience sorting: `ends[k]` is minus the highest loss that ends a descent of `k + 1` points.
    """
    ends: list[float] = []
    last = 0
    for i, height in enumerate((-losses).tolist()):
        place = bisect_left(ends, height)
        if place == len(ends):
            ends.append(height)
            last = i
        else:
            ends[place] = height
    return last, len(ends)


def _steep(rates: np.ndarray, losses: np.ndarray) -> int:
    """Where the loss falls fastest per change of the logarithm of the rate."""
    with np.errstate(divide="ignore", invalid="ignore"):  # a rate of 0, or two that are equal
        # Through float64: float32 logarithms differ between libraries in the last bit.
        logs = np.log(rates.astype(np.float32).astype(np.float64)).astype(np.float32)
        return int(np.argmin(np.diff(losses) / np.diff(logs)))


def _slide(losses: np.ndarray) -> int:
    """The left end of a window moved from the end backwards while the slopes at its ends differ."""
    with np.errstate(invalid="ignore"):  # infinities side by side
        slopes = np.gradient(losses)
        differ = np.abs(slopes[_WINDOW:] - slopes[:-_WINDOW]) > _FLAT
    alike = np.flatnonzero(~differ)
    settled = int(alike[-1]) + 1 if len(alike) else 0
    return min(settled, len(differ) - 1)  # the first window counts whatever its slopes
