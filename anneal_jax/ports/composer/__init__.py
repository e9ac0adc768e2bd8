"""composer.optim.scheduler, as of MosaicML Composer 0.32.1.

Arguments are composer's, with the rate of the optimizer first as `base_lr` (composer multiplies
it by what a scheduler returns) and two keywords for what its schedulers read from the trainer:
`horizon`, an `anneal_jax.Horizon` whose `total` is the trainer's `max_duration` (as it then is:
the trainer has multiplied it by the scale schedule ratio), and `scale_schedule_ratio`.

Durations are composer's time strings, `"10ep"`, `"100ba"`, `"1000sp"`, `"5e4tok"`, `"0.1dur"`, or
an int of batches. A batch is one optimizer step. Samples and tokens are counted
`horizon.examples_per_step` at a time.

With `exact` a duration is truncated to whole batches, samples or tokens by `int()`, as in
composer; without, it is kept as a real number of steps, and the rest of what a docstring says.

The value at step `t` is that at composer's `state.timestamp.batch == t`. Its trainer steps the
scheduler before it advances the timestamp, so its update `t` gets the value of `t - 1` (the
first two that of 0): for its runs step by step, add `.shift(1)`.
"""

from anneal_jax.ports.composer._decays import (
    ConstantScheduler as ConstantScheduler,
    CosineAnnealingScheduler as CosineAnnealingScheduler,
    ExponentialScheduler as ExponentialScheduler,
    LinearScheduler as LinearScheduler,
    MultiStepScheduler as MultiStepScheduler,
    PolynomialScheduler as PolynomialScheduler,
    StepScheduler as StepScheduler,
)
from anneal_jax.ports.composer._restarts import (
    CosineAnnealingWarmRestartsScheduler as CosineAnnealingWarmRestartsScheduler,
)
from anneal_jax.ports.composer._warmup import (
    ConstantWithWarmupScheduler as ConstantWithWarmupScheduler,
    CosineAnnealingWithWarmupScheduler as CosineAnnealingWithWarmupScheduler,
    LinearWithWarmupScheduler as LinearWithWarmupScheduler,
    MultiStepWithWarmupScheduler as MultiStepWithWarmupScheduler,
    PolynomialWithWarmupScheduler as PolynomialWithWarmupScheduler,
)
