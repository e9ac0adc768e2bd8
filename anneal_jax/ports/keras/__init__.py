"""keras.optimizers.schedules, as of Keras 3.15, and the WarmUp of transformers' TensorFlow side.

Arguments are Keras's; `name` is taken, so that configs load, and ignored. `exact=True` is what
Keras's formulas give in double precision. Keras itself computes in float32 by default (on JAX
its cosines do whatever `floatx` is), where restarts and stairs may come a step early or late and
steps above 2**24 run together: that is not reproduced, as it depends on what is compiled around.

Values may be negative where Keras takes them, if they are known numbers. Durations need not be
whole, except where something comes back for ever.
"""

from anneal_jax.ports.keras._config import (
    from_config as from_config,
    ignored_keys as ignored_keys,
)
from anneal_jax.ports.keras._decays import (
    CosineDecay as CosineDecay,
    ExponentialDecay as ExponentialDecay,
    InverseTimeDecay as InverseTimeDecay,
    PiecewiseConstantDecay as PiecewiseConstantDecay,
    PolynomialDecay as PolynomialDecay,
)
from anneal_jax.ports.keras._restarts import (
    CosineDecayRestarts as CosineDecayRestarts,
)
from anneal_jax.ports.keras._warmup import (
    WarmUp as WarmUp,
)
