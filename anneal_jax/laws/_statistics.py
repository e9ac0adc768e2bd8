"""Statistics of residuals and of members: quantiles, noise, spread."""

from typing import Any

import numpy as np


def normal_quantile(probability: float) -> float:
    """How many standard deviations on either side of the mean hold that probability."""
    from scipy.special import ndtri

    return float(ndtri(0.5 + probability / 2))


def median_deviation(values: np.ndarray) -> float:
    """The standard deviation of normal values about 0, by the median of their sizes."""
    return float(np.median(np.abs(values)) / normal_quantile(0.5))


def noise_of(run: np.ndarray) -> float:
    """The standard deviation of residuals about the mean of their two neighbours."""
    return median_deviation(run[1:-1] - (run[:-2] + run[2:]) / 2) / np.sqrt(1.5)


def root_mean_square(values: Any) -> float:
    """The root of the mean square."""
    return float(np.sqrt(np.mean(np.square(values))))


def robust_deviation(ratios: np.ndarray) -> np.ndarray:
    """A standard deviation, by the middle two thirds: a few wild members do not move it."""
    low, high = np.quantile(ratios, [1 / 6, 5 / 6], axis=0)
    return (high - low) / 2 / normal_quantile(2 / 3)
