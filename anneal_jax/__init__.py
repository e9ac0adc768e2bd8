"""Learning-rate schedules for JAX that are values, not closures."""

from typing import TYPE_CHECKING, Any

from anneal_jax import ensemble as ensemble
from anneal_jax._algebra import (
    Clip as Clip,
    Maximum as Maximum,
    Minimum as Minimum,
    Power as Power,
    Product as Product,
    Sum as Sum,
    maximum as maximum,
    minimum as minimum,
)
from anneal_jax._chebyshev import (
    Chebyshev as Chebyshev,
)
from anneal_jax._config import (
    from_config as from_config,
    to_config as to_config,
)
from anneal_jax._exponentials import (
    Exponential as Exponential,
    Logarithmic as Logarithmic,
    ShiftedExponential as ShiftedExponential,
    Tanh as Tanh,
)
from anneal_jax._horizon import (
    Horizon as Horizon,
)
from anneal_jax._join import (
    Join as Join,
    join as join,
)
from anneal_jax._noise import (
    Noise as Noise,
)
from anneal_jax._open_ended import (
    ExponentialDecay as ExponentialDecay,
    InversePower as InversePower,
    InverseSqrt as InverseSqrt,
    InverseTime as InverseTime,
    Triangular as Triangular,
)
from anneal_jax._recipes import (
    cosine_restarts as cosine_restarts,
    deepseek_steps as deepseek_steps,
    flat_cosine as flat_cosine,
    linear_scaling as linear_scaling,
    noam as noam,
    one_cycle as one_cycle,
    one_cycle_momentum as one_cycle_momentum,
    sqrt_scaling as sqrt_scaling,
    trapezoid as trapezoid,
    warmup_constant as warmup_constant,
    warmup_cosine as warmup_cosine,
    warmup_inverse_sqrt as warmup_inverse_sqrt,
    warmup_linear as warmup_linear,
    warmup_multi_step as warmup_multi_step,
    warmup_polynomial as warmup_polynomial,
    warmup_stable_decay as warmup_stable_decay,
    warmup_stable_decay_cycles as warmup_stable_decay_cycles,
    with_cooldown as with_cooldown,
)
from anneal_jax._repeat import (
    Repeat as Repeat,
    repeat as repeat,
)
from anneal_jax._schedule import (
    Constant as Constant,
    Function as Function,
    Scale as Scale,
    Schedule as Schedule,
    as_schedule as as_schedule,
)
from anneal_jax._segment import (
    Blend as Blend,
    Progress as Progress,
    Segment as Segment,
)
from anneal_jax._segments import (
    Cosine as Cosine,
    Harmonic as Harmonic,
    Linear as Linear,
    OneMinusSqrt as OneMinusSqrt,
    OneMinusSquare as OneMinusSquare,
    Polynomial as Polynomial,
    Rex as Rex,
)
from anneal_jax._span import (
    Span as Span,
    k_decay as k_decay,
)
from anneal_jax._tables import (
    Interpolated as Interpolated,
    PiecewiseConstant as PiecewiseConstant,
)
from anneal_jax._time import (
    Every as Every,
    Reverse as Reverse,
    Shift as Shift,
    Until as Until,
)
from anneal_jax._version import (
    __version__ as __version__,
)
from anneal_jax._waves import (
    CosineWave as CosineWave,
    CyclicPolynomial as CyclicPolynomial,
)
from anneal_jax.transforms import (
    InjectHyperparamsState as InjectHyperparamsState,
    accumulate as accumulate,
    average_params as average_params,
    averaged_params as averaged_params,
    greedy as greedy,
    hypergradient as hypergradient,
    hyperparams as hyperparams,
    inject_hyperparams as inject_hyperparams,
    layerwise_decay as layerwise_decay,
    observe as observe,
    partition_by_path as partition_by_path,
    reduce_on_plateau as reduce_on_plateau,
    reset_on_restart as reset_on_restart,
    scale_by_learning_rate as scale_by_learning_rate,
    snapshots as snapshots,
    with_schedules as with_schedules,
)

if TYPE_CHECKING:
    from anneal_jax import laws as laws, ports as ports, search as search, theory as theory


def __getattr__(name: str) -> Any:
    """Imports larger rooms where they are first used: half of what there is to import."""
    if name == "laws":
        import anneal_jax.laws
    elif name == "ports":
        import anneal_jax.ports
    elif name == "search":
        import anneal_jax.search
    elif name == "theory":
        import anneal_jax.theory  # noqa: F401  (each enters itself into this module)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals()[name]  # put there by the import


def __dir__() -> list[str]:
    return sorted({*globals(), "laws", "ports", "search", "theory"})
