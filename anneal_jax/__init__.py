"""Learning-rate schedules for JAX that are values, not closures."""

from anneal_jax._algebra import Clip, Maximum, Minimum, Product, Sum, maximum, minimum
from anneal_jax._config import from_config, to_config
from anneal_jax._horizon import Horizon
from anneal_jax._join import Join, join
from anneal_jax._open_ended import ExponentialDecay, InverseSqrt, InverseTime, Triangular
from anneal_jax._recipes import (
    cosine_restarts,
    deepseek_steps,
    flat_cosine,
    noam,
    one_cycle,
    one_cycle_momentum,
    trapezoid,
    warmup_constant,
    warmup_cosine,
    warmup_inverse_sqrt,
    warmup_linear,
    warmup_multi_step,
    warmup_polynomial,
    warmup_stable_decay,
    warmup_stable_decay_cycles,
    with_cooldown,
)
from anneal_jax._repeat import Repeat, repeat
from anneal_jax._schedule import Constant, Function, Scale, Schedule, as_schedule
from anneal_jax._segments import (
    Blend,
    Cosine,
    Exponential,
    Linear,
    Logarithmic,
    OneMinusSqrt,
    OneMinusSquare,
    Polynomial,
    Progress,
    Segment,
    ShiftedExponential,
)
from anneal_jax._tables import Interpolated, PiecewiseConstant
from anneal_jax._time import Reverse, Shift
from anneal_jax._version import __version__
from anneal_jax.transforms import (
    InjectHyperparamsState,
    hyperparams,
    inject_hyperparams,
    scale_by_learning_rate,
    with_schedules,
)
