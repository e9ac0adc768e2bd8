"""Learning rates that follow a batch size, which may itself be a schedule."""

from ... import _checks
from ..._types import RealScalarLike
from .._constant import as_schedule
from .._schedule import Schedule


def linear_scaling(
    learning_rate: Schedule | RealScalarLike,
    batch_size: Schedule | RealScalarLike,
    reference: RealScalarLike,
) -> Schedule:
    """The linear scaling rule: twice the batch, twice the rate.

    `value(t) = learning_rate(t) * batch_size(t) / reference`

    Args:
      learning_rate: the rate for batches of `reference` examples; a schedule or a number.
      batch_size: examples per optimizer step, above 0; a schedule (such as a ramp) or a number; see
        `accumulate`.
      reference: examples per optimizer step that `learning_rate` was chosen for, above 0.

    Returns:
      A schedule as long as the longer of the two; numbers do not count.

    Raises:
      ValueError: if `reference`, or a `batch_size` that is a number, is not above 0.

    Example:
        >>> import anneal_jax as anneal
        >>> batch_size = anneal.PiecewiseConstant([100], [256, 1024])
        >>> print(anneal.linear_scaling(0.1, batch_size, reference=256)([0, 100]))
        [0.1 0.4]

    Reference: Goyal et al., [Accurate, Large Minibatch SGD](https://arxiv.org/abs/1706.02677),
    2017
    """
    return as_schedule(learning_rate) * _relative("linear_scaling", batch_size, reference)


def sqrt_scaling(
    learning_rate: Schedule | RealScalarLike,
    batch_size: Schedule | RealScalarLike,
    reference: RealScalarLike,
) -> Schedule:
    """The square-root scaling rule, for Adam and its kin: four times the batch, twice the rate.

    `value(t) = learning_rate(t) * sqrt(batch_size(t) / reference)`

    Args:
      learning_rate: the rate for batches of `reference` examples; a schedule or a number.
      batch_size: examples per optimizer step, above 0; a schedule (such as a ramp) or a number; see
        `accumulate`.
      reference: examples per optimizer step that `learning_rate` was chosen for, above 0.

    Returns:
      A schedule as long as the longer of the two; numbers do not count.

    Raises:
      ValueError: if `reference`, or a `batch_size` that is a number, is not above 0.

    Example:
        >>> import anneal_jax as anneal
        >>> batch_size = anneal.PiecewiseConstant([100], [256, 1024])
        >>> print(anneal.sqrt_scaling(0.1, batch_size, reference=256)([0, 100]))
        [0.1 0.2]

    Reference: Malladi et al., [On the SDEs and Scaling Rules for Adaptive Gradient
    Algorithms](https://arxiv.org/abs/2205.10287), 2022
    """
    return as_schedule(learning_rate) * _relative("sqrt_scaling", batch_size, reference) ** 0.5


def _relative(
    owner: str, batch_size: Schedule | RealScalarLike, reference: RealScalarLike
) -> Schedule:
    reference = _checks.real(reference)
    _checks.number(owner, "reference", reference, above=0)
    if not isinstance(batch_size, Schedule):
        _checks.number(owner, "batch_size", batch_size, above=0)
    return as_schedule(batch_size) / reference
