"""A schedule for the next run from the gradient norms of the last one."""

from collections.abc import Sequence

import numpy as np

from .. import _checks
from .._types import Array
from ..schedules._schedule import Schedule
from ..schedules._tables import Interpolated


def refine(
    grad_norms: Array | np.ndarray | Sequence[float],
    norm: str = "l2",
    smoothing: float = 0.1,
    *,
    peak_value: float = 1.0,
    every: int = 1,
) -> Schedule:
    """A schedule for the next run from the gradient norms of the last one.

    `rate_t ~ w_t * sum_{p > t} w_p`, where `w_t = G_t ** -2` for "l2" norms (SGD) and
    `w_t = G_t ** -1` for "l1" norms (Adam), scaled to `peak_value`. The norms `G` first pass a
    median filter. For these norms the schedule minimizes the bound of the reference; for
    constant norms it is linear decay to 0.

    Args:
      grad_norms: float[n], norms of the gradients, one for each `every` steps from step 0.
      norm: kind of the norms, "l1" or "l2".
      smoothing: half the width of the filter, as a share of all norms; 0 for no filter.
      peak_value: largest rate of the schedule.
      every: number of steps from one norm to the next.

    Returns:
      An `Interpolated` schedule through the rates at the steps of the norms.

    Raises:
      ValueError: for fewer than two norms, norms that are not positive, and arguments out of range.

    Example:
        >>> import anneal_jax as anneal
        >>> schedule = anneal.theory.refine([2.0] * 101, peak_value=0.1)
        >>> print(schedule(50))
        0.05

    Reference: Defazio et al., [When, why and how much?](https://arxiv.org/abs/2310.07831), 2023
    """
    from scipy.ndimage import median_filter

    owner = "refine"
    _checks.nearest(owner, "norm", norm, ("l1", "l2"))
    _checks.number(owner, "smoothing", smoothing, least=0, most=1)
    _checks.number(owner, "peak_value", peak_value, above=0)
    _checks.steps(owner, "every", every, least=1)
    found = np.asarray(grad_norms, float)
    if found.ndim != 1 or len(found) < 2 or not (np.isfinite(found) & (found > 0)).all():
        rule = "two or more positive finite numbers"
        _checks.fail(owner, "grad_norms", rule, grad_norms, "leave out steps that logged none")
    half = int(smoothing * len(found))
    if half:  # repeated at the left end, reflected at the right one
        padded = np.pad(np.pad(found, (half, 0), "edge"), (0, half), "symmetric")
        found = median_filter(padded, 2 * half + 1)[half : half + len(found)]
    weights = (found / found.min()) ** (-1.0 if norm == "l1" else -2.0)
    later = np.concatenate([np.cumsum(weights[:0:-1])[::-1], [0.0]])
    rates = weights * later
    return Interpolated(np.arange(len(rates)) * every, peak_value * rates / rates.max())
