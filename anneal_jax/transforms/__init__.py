"""The Optax side: gradient transformations that carry, read and replace schedules."""

from anneal_jax.transforms._accumulate import (
    accumulate as accumulate,
)
from anneal_jax.transforms._averages import (
    AverageParamsState as AverageParamsState,
    WindowParamsState as WindowParamsState,
    average_params as average_params,
    averaged_params as averaged_params,
)
from anneal_jax.transforms._flax import (
    register_with_flax as _register_with_flax,
)
from anneal_jax.transforms._follow import (
    InjectHyperparamsState as InjectHyperparamsState,
    Plan as Plan,
)
from anneal_jax.transforms._greedy import (
    greedy as greedy,
)
from anneal_jax.transforms._groups import (
    partition_by_path as partition_by_path,
)
from anneal_jax.transforms._hypergradient import (
    HypergradientState as HypergradientState,
    hypergradient as hypergradient,
)
from anneal_jax.transforms._hyperparams import (
    hyperparams as hyperparams,
    with_schedules as with_schedules,
)
from anneal_jax.transforms._inject import (
    inject_hyperparams as inject_hyperparams,
    scale_by_learning_rate as scale_by_learning_rate,
)
from anneal_jax.transforms._layers import (
    layerwise_decay as layerwise_decay,
)
from anneal_jax.transforms._metrics import (
    MetricScaleState as MetricScaleState,
    observe as observe,
)
from anneal_jax.transforms._paths import (
    Group as Group,
    GroupedTransformation as GroupedTransformation,
    Groups as Groups,
)
from anneal_jax.transforms._plateau import (
    reduce_on_plateau as reduce_on_plateau,
)
from anneal_jax.transforms._restarts import (
    ResetOnRestartState as ResetOnRestartState,
    reset_on_restart as reset_on_restart,
)
from anneal_jax.transforms._resume import (
    resume as resume,
)
from anneal_jax.transforms._snapshots import (
    SnapshotsState as SnapshotsState,
    snapshots as snapshots,
)

_register_with_flax()
