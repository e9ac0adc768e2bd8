"""Laws that map a schedule to the loss curve of a run."""

from anneal_jax.laws._compare import (
    Comparison as Comparison,
    compare as compare,
)
from anneal_jax.laws._decisions import (
    Cooldown as Cooldown,
    Extension as Extension,
    StepsFor as StepsFor,
    best_cooldown as best_cooldown,
    extend as extend,
    steps_for as steps_for,
)
from anneal_jax.laws._fit import (
    fit as fit,
    select as select,
)
from anneal_jax.laws._fitted import (
    Fit as Fit,
    Prediction as Prediction,
    load_fit as load_fit,
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
from anneal_jax.laws._range import (
    Range as Range,
)
