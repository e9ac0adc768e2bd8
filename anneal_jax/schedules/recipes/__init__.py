"""Recipes: the schedules that have names, each a composition of segments and nothing else.

Every `*_steps` is the length of one phase in optimizer steps; `total_steps` is that of all
phases together.
"""

from anneal_jax.schedules.recipes._cycles import (
    cosine_restarts as cosine_restarts,
    one_cycle as one_cycle,
    one_cycle_momentum as one_cycle_momentum,
)
from anneal_jax.schedules.recipes._scaling import (
    linear_scaling as linear_scaling,
    sqrt_scaling as sqrt_scaling,
)
from anneal_jax.schedules.recipes._stable import (
    flat_cosine as flat_cosine,
    trapezoid as trapezoid,
    warmup_stable_decay as warmup_stable_decay,
    warmup_stable_decay_cycles as warmup_stable_decay_cycles,
    with_cooldown as with_cooldown,
)
from anneal_jax.schedules.recipes._steps import (
    deepseek_steps as deepseek_steps,
    warmup_multi_step as warmup_multi_step,
)
from anneal_jax.schedules.recipes._warmup import (
    noam as noam,
    warmup_constant as warmup_constant,
    warmup_cosine as warmup_cosine,
    warmup_inverse_sqrt as warmup_inverse_sqrt,
    warmup_linear as warmup_linear,
    warmup_polynomial as warmup_polynomial,
)
