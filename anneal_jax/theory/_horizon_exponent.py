"""How the best peak falls with the length of a run."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import _checks


class Exponent(NamedTuple):
    """An exponent and its confidence interval; made by `horizon_exponent`.

    Attributes:
      value: the exponent.
      low: lower end of the interval.
      high: upper end of the interval.
    """

    value: float
    low: float
    high: float


def horizon_exponent(
    steps: Sequence[int] | np.ndarray,
    peaks: Sequence[float] | np.ndarray,
    *,
    confidence: float = 0.95,
) -> Exponent:
    """The exponent with which the best peak falls with the length of a run.

    `peak ~ steps ** -exponent`, by a straight line through the logarithms. The interval is
    Student's, for independent errors.

    Args:
      steps: numbers of steps of the runs, three or more, not all the same.
      peaks: best peak at each of these lengths.
      confidence: probability with which the interval holds the exponent, between 0 and 1.

    Returns:
      An `Exponent`.

    Raises:
      ValueError: for too few lengths, and numbers that are not positive.

    Example:
        >>> import anneal_jax as anneal
        >>> e = anneal.theory.horizon_exponent([100, 400, 1600, 6400], [0.1, 0.066, 0.044, 0.031])
        >>> print(f"{e.value:.2f} in {e.low:.2f} to {e.high:.2f}")
        0.28 in 0.25 to 0.32
    """
    from scipy.stats import linregress, t

    owner = "horizon_exponent"
    _checks.number(owner, "confidence", confidence, above=0, below=1)
    x, y = (np.asarray(v, float) for v in (steps, peaks))
    if x.shape != y.shape or x.ndim != 1 or len(x) < 3 or len(np.unique(x)) < 2:
        rule = "as many as steps: three or more, of two lengths at least"
        _checks.fail(owner, "peaks", rule, peaks, "add runs: two tell no interval")
    if not (np.isfinite(x * y).all() and (x > 0).all() and (y > 0).all()):
        _checks.fail(owner, "steps and peaks", "positive", (steps, peaks), "leave out others")
    line: Any = linregress(np.log(x), np.log(y))
    margin = float(t.ppf((1 + confidence) / 2, len(x) - 2) * line.stderr)
    return Exponent(-line.slope, -line.slope - margin, -line.slope + margin)
