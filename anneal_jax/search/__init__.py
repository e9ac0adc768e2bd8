"""Choosing a schedule's numbers: sweeps of populations, range tests."""

from anneal_jax.search._halving import (
    Halving as Halving,
)
from anneal_jax.search._range_test import (
    RangeTest as RangeTest,
    lr_range_test as lr_range_test,
)
from anneal_jax.search._result import (
    SweepResult as SweepResult,
)
from anneal_jax.search._space import (
    Choice as Choice,
    Integers as Integers,
    LogUniform as LogUniform,
    Uniform as Uniform,
    draw as draw,
    grid as grid,
)
from anneal_jax.search._suggest import (
    Suggestions as Suggestions,
)
from anneal_jax.search._sweep import (
    sweep as sweep,
)
from anneal_jax.search._tune import (
    TuneResult as TuneResult,
    tune as tune,
)
from anneal_jax.search.engine import (
    LossState as LossState,
    Training as Training,
)
