"""The type of what `inject_hyperparams` returns: the factory, with schedules in place of numbers.

Python's types cannot say "these parameters, but wider". So a call is held to the factory's own
signature, which catches a misspelt name; and where a schedule stands for what the factory declares
a number, to the names that Optax has for its hyperparameters.
"""

from typing import Any, ParamSpec, Protocol, TypedDict, Unpack, overload, runtime_checkable

import optax

from ._follow import ScheduleLike

P = ParamSpec("P")
Number = ScheduleLike | None


class OptaxArguments(TypedDict, total=False):
    """Arguments of Optax's transformations, by the names they have in common."""

    # what schedules are for
    learning_rate: Number
    step_size: Number
    weight_decay: Number
    weight_decay_rate: Number
    momentum: Number
    decay: Number
    decay_rate: Number
    b1: Number
    b2: Number
    b3: Number
    beta: Number
    rho: Number
    eps: Number
    eps_root: Number
    max_norm: Number
    max_delta: Number
    clipping: Number
    clipping_threshold: Number
    min_norm: Number
    noise_multiplier: Number
    eta: Number
    gamma: Number
    alpha: Number
    optimism: Number
    trust_coefficient: Number
    adam_b1: Number
    adam_b2: Number
    adam_learning_rate: Number
    adam_weight_decay: Number
    # what stands beside them
    mask: Any
    weight_decay_mask: Any
    trust_ratio_mask: Any
    mu_dtype: Any
    accumulator_dtype: Any
    dtype_momentum: Any
    state_dtype: Any
    nesterov: bool
    centered: bool
    debias: bool
    flip_sign: bool
    bias_correction: bool
    eps_in_sqrt: bool
    initial_scale: float
    initial_accumulator_value: float


@runtime_checkable
class InjectedFactory(Protocol[P]):
    """A function with the arguments of a factory, any number among them a schedule."""

    @overload
    def __call__(
        self, *args: P.args, **kwargs: P.kwargs
    ) -> optax.GradientTransformationExtraArgs: ...

    @overload
    def __call__(
        self, *args: ScheduleLike, **kwargs: Unpack[OptaxArguments]
    ) -> optax.GradientTransformationExtraArgs: ...
