"""The Optax side: gradient transformations that carry, read and replace schedules."""

from anneal_jax.transforms._hyperparams import hyperparams, with_schedules
from anneal_jax.transforms._inject import (
    InjectHyperparamsState,
    Plan,
    inject_hyperparams,
    scale_by_learning_rate,
)
