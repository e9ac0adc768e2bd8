"""optax.schedules, as of Optax 0.2.8: the same names and arguments, so that one import changes.

What was `optax.schedules.f(...)` or `optax.f(...)` is `anneal_jax.ports.optax.f(...)`: a schedule
that is a value (it compares, saves, sweeps and stretches), whose values do not depend on what
is compiled around it, and whose arguments are checked. `optax.contrib.reduce_on_plateau` is here
too, under its last name.

Steps are whole where Optax says `int`; a `transition_steps` or `decay_steps` that is not whole
is taken as it is where a smooth schedule is made of it. Values may be negative, if they are
known numbers. Where Optax documents a fallback (no transition steps: the first value holds; a
negative beginning: 0) it is the same here.
"""

# A well-kept library is better than a copy of it: these are Optax's own. What changes hyper-
# parameters without recompiling, and reads and swaps whole schedules, is
# anneal_jax.inject_hyperparams with anneal_jax.with_schedules.
from optax.schedules import (
    InjectHyperparamsState as InjectHyperparamsState,
    InjectStatefulHyperparamsState as InjectStatefulHyperparamsState,
    Schedule as Schedule,
    StatefulSchedule as StatefulSchedule,
    WrappedSchedule as WrappedSchedule,
    inject_hyperparams as inject_hyperparams,
    inject_stateful_hyperparams as inject_stateful_hyperparams,
)

from anneal_jax.ports.optax._joined import (
    join_schedules as join_schedules,
    sgdr_schedule as sgdr_schedule,
    warmup_constant_schedule as warmup_constant_schedule,
    warmup_cosine_decay_schedule as warmup_cosine_decay_schedule,
    warmup_exponential_decay_schedule as warmup_exponential_decay_schedule,
)
from anneal_jax.ports.optax._piecewise import (
    cosine_onecycle_schedule as cosine_onecycle_schedule,
    linear_onecycle_schedule as linear_onecycle_schedule,
    piecewise_constant_schedule as piecewise_constant_schedule,
    piecewise_interpolate_schedule as piecewise_interpolate_schedule,
)
from anneal_jax.ports.optax._plateau import (
    reduce_on_plateau as reduce_on_plateau,
)
from anneal_jax.ports.optax._transitions import (
    constant_schedule as constant_schedule,
    cosine_decay_schedule as cosine_decay_schedule,
    exponential_decay as exponential_decay,
    linear_schedule as linear_schedule,
    polynomial_schedule as polynomial_schedule,
)
