"""When a run of a range test has diverged, and whether its loss says anything."""

import numpy as np

_WARMUP = 10  # a tenth of the planned steps: suggestions are not read there
_LEAST_FALL = 1e-3  # of the loss: less is none


def stops(
    losses: np.ndarray, means: np.ndarray, diverged: float | None, planned: int
) -> np.ndarray:
    """After how many steps each run has diverged, the step where one sees it included.

    A run ends at the first smoothed loss that is not finite, or that lies more than
    `(diverged - 1) * size` above the least so far. Losses of which none is below 0 have that least
    as their `size`, which makes it fastai's rule, `mean > diverged * least`. Others have no
    natural 0: theirs is the size of the least, or of the largest loss in the first tenth of the
    planned steps if that is more.

    Args:
      losses: shape `(runs, steps)`.
      means: the smoothed losses, of that shape.
      diverged: ratio as of `lr_range_test`, or None.
      planned: number of steps of a run that does not diverge.
    """
    if not means.shape[1]:
        return np.zeros(len(means), int)
    bad = ~np.isfinite(means)
    if diverged is not None:
        least = np.minimum.accumulate(np.nan_to_num(means, nan=np.inf), axis=1)
        with np.errstate(invalid="ignore"):  # infinities
            ratio = means > diverged * least
            excess = means - least > (diverged - 1) * _size(losses, least, planned)
        bad |= np.where((losses < 0).any(1, keepdims=True), excess, ratio)
    return np.where(bad.any(1), bad.argmax(1) + 1, means.shape[1])


def _size(losses: np.ndarray, least: np.ndarray, planned: int) -> np.ndarray:
    """At each step, how large the losses of a run are whose sign says nothing."""
    early = np.abs(np.nan_to_num(losses, nan=0.0))
    early[:, max(1, planned // _WARMUP) :] = 0
    return np.maximum(np.abs(least), np.maximum.accumulate(early, axis=1))


def doubt(losses: np.ndarray, means: np.ndarray, planned: int) -> str:
    """Why suggestions from a run say little, in words; empty if they may be trusted.

    Noise is the standard deviation of a loss about its trend, by the differences of neighbours
    (by their median, as a loss that diverges has a few large ones). The smoothed loss of a run
    without a trend falls further than that by chance once in a hundred times.
    """
    read = means[planned // _WARMUP :]
    fall = read[0] - np.min(read)
    noise = np.median(np.abs(np.diff(losses.astype(float)))) / 0.954
    if fall > max(noise, _LEAST_FALL * abs(read[0])):
        return ""
    return f"the smoothed loss falls by {fall:.2g} from {read[0]:.4g}, with noise of {noise:.2g}"
