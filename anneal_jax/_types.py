"""The types of public signatures: what counts as a number, a count of steps, a step.

For a type checker these are unions of what may be passed; jaxtyping adds, for a reader and for
the tests' import hook, that one number has no axes.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from jax import Array as Array
from jax.typing import ArrayLike
from jaxtyping import Bool, Float, Integer, Real

RealScalarLike: TypeAlias = float | int | np.number | Real[Array, ""] | Real[np.ndarray, ""]
"""One real number: a hyperparameter, concrete or traced."""

IntScalarLike: TypeAlias = int | np.integer | Integer[Array, ""] | Integer[np.ndarray, ""]
"""One whole number: a length, a boundary or a count, in optimizer steps; concrete or traced."""

StepLike: TypeAlias = ArrayLike | Sequence[int]
"""What a schedule is asked about: one step, or steps in an array of any shape.

Whole numbers, as a call sees to; for a type checker as wide as the argument of an `optax.Schedule`,
so that every `Schedule` is one.
"""

Scalar: TypeAlias = Float[Array, ""]
"""What a schedule answers for one step: float32, or float64 with x64 on."""

Values: TypeAlias = Float[Array, "..."]
"""What a schedule answers, in the shape of the steps."""

Counts: TypeAlias = Integer[Array, "..."]
"""Cycles, in the shape of the steps."""

Flags: TypeAlias = Bool[Array, "..."]
"""Truth values, in the shape of the steps."""
