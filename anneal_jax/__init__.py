"""Learning-rate schedules for JAX that are values, not closures."""

from typing import TYPE_CHECKING, Any

from anneal_jax import ensemble as ensemble
from anneal_jax._deprecated import warn as _warn
from anneal_jax._horizon import (
    Horizon as Horizon,
)
from anneal_jax._version import (
    __version__ as __version__,
)
from anneal_jax.pictures import (
    plot as plot,
)
from anneal_jax.schedules import (
    Blend as Blend,
    Chebyshev as Chebyshev,
    Clip as Clip,
    Constant as Constant,
    Cosine as Cosine,
    CosineWave as CosineWave,
    CyclicPolynomial as CyclicPolynomial,
    Every as Every,
    Exponential as Exponential,
    ExponentialDecay as ExponentialDecay,
    Function as Function,
    Harmonic as Harmonic,
    Interpolated as Interpolated,
    InversePower as InversePower,
    InverseSqrt as InverseSqrt,
    InverseTime as InverseTime,
    Join as Join,
    Linear as Linear,
    Logarithmic as Logarithmic,
    Maximum as Maximum,
    Minimum as Minimum,
    Noise as Noise,
    OneMinusSqrt as OneMinusSqrt,
    OneMinusSquare as OneMinusSquare,
    PiecewiseConstant as PiecewiseConstant,
    Polynomial as Polynomial,
    Power as Power,
    Product as Product,
    Progress as Progress,
    Repeat as Repeat,
    Reverse as Reverse,
    Rex as Rex,
    Schedule as Schedule,
    Segment as Segment,
    Shift as Shift,
    ShiftedExponential as ShiftedExponential,
    Span as Span,
    Sum as Sum,
    Tanh as Tanh,
    TimeScale as TimeScale,
    Triangular as Triangular,
    Until as Until,
    as_schedule as as_schedule,
    cosine_restarts as cosine_restarts,
    deepseek_steps as deepseek_steps,
    flat_cosine as flat_cosine,
    from_config as from_config,
    join as join,
    k_decay as k_decay,
    linear_scaling as linear_scaling,
    maximum as maximum,
    minimum as minimum,
    noam as noam,
    one_cycle as one_cycle,
    one_cycle_momentum as one_cycle_momentum,
    repeat as repeat,
    sqrt_scaling as sqrt_scaling,
    summary as summary,
    to_config as to_config,
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
    resume as resume,
    scale_by_learning_rate as scale_by_learning_rate,
    snapshots as snapshots,
    with_schedules as with_schedules,
)

if TYPE_CHECKING:
    from anneal_jax import laws as laws, ports as ports, search as search, theory as theory


if not TYPE_CHECKING:  # else a checker would take any name

    def __getattr__(name: str) -> Any:
        """Imports larger rooms where they are first used: half of what there is to import."""
        match name:
            case "laws":
                import anneal_jax.laws
            case "ports":
                import anneal_jax.ports
            case "search":
                import anneal_jax.search
            case "theory":
                import anneal_jax.theory  # noqa: F401  (each enters itself into this module)
            case "Scale":
                _warn("anneal_jax.Scale", "anneal_jax.TimeScale")
                return TimeScale
            case _:
                raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return globals()[name]  # put there by the import


def __dir__() -> list[str]:
    return sorted({*globals(), "laws", "ports", "search", "theory"})
