"""Every schedule, and what a schedule is; `anneal_jax` has the same names at its top.

A schedule of your own is a subclass of `Schedule`: its fields, and `value_at`, its value at one
step. `steps`, a field or a property, is its length (None: open-ended). `metadata=WHOLE` marks a
field that holds a duration in whole steps; `repeat` and `stretch` need to know which fields do. All
that schedules can do comes with the base class, composition and JAX's transformations included:

    >>> import equinox as eqx
    >>> import jax
    >>> import jax.numpy as jnp
    >>> import anneal_jax as anneal
    >>> class Hump(anneal.Schedule):
    ...     peak_value: float
    ...     steps: int = eqx.field(metadata=anneal.schedules.WHOLE)
    ...
    ...     def value_at(self, step):
    ...         q = jnp.minimum(step, self.steps) / jnp.maximum(self.steps, 1)
    ...         return self.peak_value * 4 * q * (1 - q)
    >>> hump = Hump(1.0, steps=4)
    >>> print(hump([0, 1, 2, 3, 4]))
    [0.   0.75 1.   0.75 0.  ]
    >>> print(hump.repeat(2, value_factor=0.5)([2, 4, 6, 8]))
    [1.  0.  0.5 0. ]
    >>> print(hump.stretch(2)([2, 4, 8]))
    [0.75 1.   0.  ]
    >>> print(jax.vmap(lambda peak: Hump(peak, steps=4)(2))(jnp.array([1.0, 3.0])))
    [1. 3.]

`WHOLE` serves lengths and positions in whole steps that are counted from the schedule's own step 0,
`REAL` durations that need not be whole; a float without a mark is no duration. A class with phases
one after another marks them, too, and also defines `stretched`, with `scale.at(begin)(length)`.
"""

from anneal_jax.schedules._algebra import (
    Clip as Clip,
    Maximum as Maximum,
    Minimum as Minimum,
    Power as Power,
    Product as Product,
    Sum as Sum,
    maximum as maximum,
    minimum as minimum,
)
from anneal_jax.schedules._chebyshev import (
    Chebyshev as Chebyshev,
)
from anneal_jax.schedules._config import (
    from_config as from_config,
    to_config as to_config,
)
from anneal_jax.schedules._constant import (
    Constant as Constant,
    Function as Function,
    as_schedule as as_schedule,
)
from anneal_jax.schedules._exponentials import (
    Exponential as Exponential,
    Logarithmic as Logarithmic,
    ShiftedExponential as ShiftedExponential,
    Tanh as Tanh,
)
from anneal_jax.schedules._join import (
    Join as Join,
    join as join,
)
from anneal_jax.schedules._noise import (
    Noise as Noise,
)
from anneal_jax.schedules._open_ended import (
    ExponentialDecay as ExponentialDecay,
    InversePower as InversePower,
    InverseSqrt as InverseSqrt,
    InverseTime as InverseTime,
    Triangular as Triangular,
)
from anneal_jax.schedules._repeat import (
    Repeat as Repeat,
    repeat as repeat,
)
from anneal_jax.schedules._schedule import (
    Schedule as Schedule,
)
from anneal_jax.schedules._segment import (
    Blend as Blend,
    Progress as Progress,
    Segment as Segment,
)
from anneal_jax.schedules._segments import (
    Cosine as Cosine,
    Harmonic as Harmonic,
    Linear as Linear,
    OneMinusSqrt as OneMinusSqrt,
    OneMinusSquare as OneMinusSquare,
    Polynomial as Polynomial,
    Rex as Rex,
)
from anneal_jax.schedules._span import (
    Span as Span,
    k_decay as k_decay,
)
from anneal_jax.schedules._summary import (
    summary as summary,
)
from anneal_jax.schedules._tables import (
    Interpolated as Interpolated,
    PiecewiseConstant as PiecewiseConstant,
)
from anneal_jax.schedules._time import (
    Every as Every,
    Reverse as Reverse,
    Shift as Shift,
    Until as Until,
)
from anneal_jax.schedules._time_scale import (
    REAL as REAL,
    WHOLE as WHOLE,
    TimeScale as TimeScale,
)
from anneal_jax.schedules._waves import (
    CosineWave as CosineWave,
    CyclicPolynomial as CyclicPolynomial,
)
from anneal_jax.schedules.recipes import (
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
