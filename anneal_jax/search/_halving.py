"""Successive halving: at each rung the best share of the plans goes on."""

from typing import NamedTuple

import numpy as np

from .. import _checks


class Halving(NamedTuple):
    """Successive halving: at each rung only the best `1 / factor` of the plans go on.

    `n` plans of `T` steps meet `K = floor(log(n) / log(factor))` rungs. Rung `k = 1, ..., K` is
    at step `T / factor**(K + 1 - k)`, rounded, and leaves `max(1, floor(n / factor**k))` plans;
    rungs before step `first` are left out. A plan's score is the mean over its seeds.

    A rung compares losses in the middle of a run. A schedule that has not decayed yet looks worse
    than it will be: let the first rung be late enough, or compare schedules of one shape.

    Args:
      factor: ratio of plans before a rung to plans after it, 1.01 or more; 3 is usual.
      first: earliest step at which plans may be stopped.

    Example:
        >>> from anneal_jax.search import Halving
        >>> Halving(factor=3).rungs(plans=27, steps=270)
        {10: 9, 30: 3, 90: 1}

    Reference: Jamieson and Talwalkar, [Non-stochastic Best Arm Identification and
    Hyperparameter Optimization](https://arxiv.org/abs/1502.07943), 2015.
    """

    factor: float = 3.0
    first: int = 1

    def rungs(self, plans: int, steps: int) -> dict[int, int]:
        """The rungs: steps, and how many plans go on from there.

        Args:
          plans: number of plans.
          steps: number of steps of each plan that no rung stops.

        Returns:
          From the step of each rung, earliest first, to the number of plans that it leaves.

        Raises:
          ValueError: for a factor below 1.01, a first rung before step 1, and numbers of plans or
            steps below 1.
        """
        self.check()
        _checks.steps("Halving", "plans", plans, least=1, remedy="count them")
        _checks.steps("Halving", "steps", steps, least=1)
        count = 0
        while plans / self.factor ** (count + 1) >= 1:
            count += 1
        found: dict[int, int] = {}
        for k in range(1, count + 1):
            step = round(steps / self.factor ** (count + 1 - k))
            if self.first <= step < steps:
                found[step] = max(1, int(plans / self.factor**k))
        return found

    def check(self) -> None:
        """Require a factor that leaves fewer, and a first step that there is."""
        # (By less than a hundredth, rungs would be beyond counting.)
        _checks.number("Halving", "factor", self.factor, least=1.01)
        _checks.steps("Halving", "first", self.first, least=1)


def survivors(plans: np.ndarray, scores: np.ndarray, keep: int) -> np.ndarray:
    """Of the `plans` (of each member) the `keep` whose members have the lowest mean score."""
    unique = np.unique(plans)
    # (A member that diverged makes its plan the last.)
    sums = np.array([np.nan_to_num(scores[plans == p], nan=np.inf).mean() for p in unique])
    return unique[np.argsort(sums, kind="stable")[:keep]]
