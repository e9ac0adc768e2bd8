"""Laws that map a schedule to the loss curve of a run."""

from anneal_jax.laws._fit import (
    Fit as Fit,
    fit as fit,
)
from anneal_jax.laws._functional import (
    FunctionalScalingLaw as FunctionalScalingLaw,
)
from anneal_jax.laws._law import (
    Guess as Guess,
    Law as Law,
)
from anneal_jax.laws._level import (
    LevelLaw as LevelLaw,
)
from anneal_jax.laws._logs import (
    Log as Log,
    read_log as read_log,
)
from anneal_jax.laws._momentum import (
    MomentumLaw as MomentumLaw,
)
from anneal_jax.laws._multi_power import (
    MultiPowerLaw as MultiPowerLaw,
)
from anneal_jax.laws._optimize import (
    Optimized as Optimized,
    optimize_schedule as optimize_schedule,
)
from anneal_jax.laws._past import (
    Past as Past,
)
