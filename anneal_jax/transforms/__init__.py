"""The Optax side: gradient transformations that carry, read and replace schedules."""

from anneal_jax.transforms._hyperparams import (
    hyperparams as hyperparams,
    with_schedules as with_schedules,
)
from anneal_jax.transforms._inject import (
    InjectHyperparamsState as InjectHyperparamsState,
    Plan as Plan,
    inject_hyperparams as inject_hyperparams,
    scale_by_learning_rate as scale_by_learning_rate,
)
