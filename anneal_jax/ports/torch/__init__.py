"""torch.optim.lr_scheduler and SWALR, as of torch 2.13.

Arguments are torch's, with the base rate (which torch reads from the optimizer) first, where
torch does not name it otherwise. A step is one call of `scheduler.step()`; where torch's users
call it once an epoch, `schedule.every(steps_per_epoch)` says the same.
"""

from anneal_jax.ports.torch._compose import (
    ChainedScheduler as ChainedScheduler,
    ReduceLROnPlateau as ReduceLROnPlateau,
    SequentialLR as SequentialLR,
)
from anneal_jax.ports.torch._cycles import (
    CosineAnnealingLR as CosineAnnealingLR,
    CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts,
    CyclicLR as CyclicLR,
    CyclicLRMomentum as CyclicLRMomentum,
)
from anneal_jax.ports.torch._decays import (
    SWALR as SWALR,
    ConstantLR as ConstantLR,
    ExponentialLR as ExponentialLR,
    LinearLR as LinearLR,
    MultiStepLR as MultiStepLR,
    PolynomialLR as PolynomialLR,
    StepLR as StepLR,
)
from anneal_jax.ports.torch._functions import (
    LambdaLR as LambdaLR,
    MultiplicativeLR as MultiplicativeLR,
)
from anneal_jax.ports.torch._one_cycle import (
    OneCycleLR as OneCycleLR,
    OneCycleLRMomentum as OneCycleLRMomentum,
)
from anneal_jax.ports.torch._reader import (
    from_scheduler as from_scheduler,
)
