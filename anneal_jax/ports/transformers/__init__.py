"""The schedules of Hugging Face transformers, as of 5.23, under the names of its functions.

`base_lr`, which transformers reads from the optimizer, comes first. Counts are whole steps.
Where a floor depends on the optimizer's default rate (and not on that of the parameter group),
`default_lr` is that rate; None means `base_lr`.
"""

from anneal_jax.ports.transformers._by_name import (
    get_scheduler as get_scheduler,
)
from anneal_jax.ports.transformers._cosines import (
    get_cosine_schedule_with_warmup as get_cosine_schedule_with_warmup,
    get_cosine_with_hard_restarts_schedule_with_warmup as get_cosine_with_hard_restarts_schedule_with_warmup,  # noqa: E501
    get_cosine_with_min_lr_schedule_with_warmup as get_cosine_with_min_lr_schedule_with_warmup,
    get_cosine_with_min_lr_schedule_with_warmup_lr_rate as get_cosine_with_min_lr_schedule_with_warmup_lr_rate,  # noqa: E501
)
from anneal_jax.ports.transformers._others import (
    get_constant_schedule as get_constant_schedule,
    get_constant_schedule_with_warmup as get_constant_schedule_with_warmup,
    get_inverse_sqrt_schedule as get_inverse_sqrt_schedule,
    get_linear_schedule_with_warmup as get_linear_schedule_with_warmup,
    get_polynomial_decay_schedule_with_warmup as get_polynomial_decay_schedule_with_warmup,
    get_wsd_schedule as get_wsd_schedule,
)
from anneal_jax.ports.transformers._training_arguments import (
    from_training_arguments as from_training_arguments,
    ignored_keys as ignored_keys,
)
