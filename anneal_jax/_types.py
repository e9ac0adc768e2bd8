"""The types of public signatures: what counts as a number, a count of steps, a step.

For a type checker these are unions of what may be passed; jaxtyping adds, for a reader and for
the tests' import hook, that one number has no axes.
"""

from collections.abc import Sequence
from typing import Annotated, TypeAlias

import numpy as np
from jax import Array as Array
from jax.typing import ArrayLike
from jaxtyping import Bool, Float, Integer, Real

RealScalarLike: TypeAlias = float | int | np.number | Real[Array, ""] | Real[np.ndarray, ""]
"""One real number: a hyperparameter, concrete or traced."""

IntScalarLike: TypeAlias = int | np.integer | Integer[Array, ""] | Integer[np.ndarray, ""]
"""One whole number, such as a number of cycles; concrete or traced."""

IN_STEPS = "in optimizer steps"

DurationLike: TypeAlias = Annotated[IntScalarLike, IN_STEPS]
"""A length, an interval or the place of a boundary, in whole optimizer steps; concrete or traced.

What a configuration may also give in other units (`from_config`).
"""

RealDurationLike: TypeAlias = Annotated[RealScalarLike, IN_STEPS]
"""A duration in optimizer steps that need not be whole, such as a time scale."""

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
