"""timm.scheduler, as of timm 1.0.31.

Arguments are timm's, with the base rate (which timm reads from the optimizer) first, and
without `param_group_field`, `initialize` and `t_in_epochs`: a step is whatever timm's `t` is,
and where that is an epoch, `schedule.every(steps_per_epoch)` turns epochs into optimizer steps.
The values are those of `step(t)` and `step_update(t)`; until the first of these calls an
optimizer in timm holds `warmup_lr_init`, or without warmup the base rate.

`total_steps`, which timm has not, says how long noise goes on that begins and never ends.
"""

from anneal_jax.ports.timm._args import (
    from_args as from_args,
    ignored_keys as ignored_keys,
)
from anneal_jax.ports.timm._cycles import (
    CosineLRScheduler as CosineLRScheduler,
    PolyLRScheduler as PolyLRScheduler,
    TanhLRScheduler as TanhLRScheduler,
)
from anneal_jax.ports.timm._factory import (
    create_scheduler as create_scheduler,
)
from anneal_jax.ports.timm._stairs import (
    MultiStepLRScheduler as MultiStepLRScheduler,
    StepLRScheduler as StepLRScheduler,
)
from anneal_jax.ports.timm._wsd import (
    WSDLRScheduler as WSDLRScheduler,
)
