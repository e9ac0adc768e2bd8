"""What a shape is called in eight other frameworks, where `anneal_jax.ports` has it.

Each entry begins with a name of that port (a test asks for it); the pages "Coming from ..." have
every quirk.
"""

FRAMEWORKS = {
    "torch": "PyTorch",
    "transformers": "Transformers",
    "timm": "timm",
    "keras": "Keras",
    "optax": "Optax",
    "fastai": "fastai",
    "composer": "Composer",
    "jax_trainers": "Levanter, MaxText, T5X",
}

NAMES: dict[str, dict[str, str]] = {
    "Linear": {
        "torch": "LinearLR",
        "timm": "PolyLRScheduler(power=1.0)",
        "keras": "PolynomialDecay(power=1.0)",
        "optax": "linear_schedule",
        "fastai": "SchedLin",
        "composer": "LinearScheduler",
        "jax_trainers": 'levanter(lr_schedule="linear")',
    },
    "Cosine": {
        "torch": "CosineAnnealingLR",
        "timm": "CosineLRScheduler",
        "keras": "CosineDecay",
        "optax": "cosine_decay_schedule",
        "fastai": "SchedCos",
        "composer": "CosineAnnealingScheduler",
        "jax_trainers": 'levanter(lr_schedule="cosine")',
    },
    "Polynomial": {
        "torch": "PolynomialLR",
        "timm": "PolyLRScheduler",
        "keras": "PolynomialDecay",
        "optax": "polynomial_schedule",
        "composer": "PolynomialScheduler",
        "jax_trainers": 'levanter(lr_schedule="polynomial")',
    },
    "Exponential": {"fastai": "SchedExp"},
    "Tanh": {"timm": "TanhLRScheduler"},
    "Rex": {"transformers": "from_training_arguments (axolotl's rex)"},
    "Harmonic": {"jax_trainers": 'levanter(lr_schedule="inv")'},
    "k_decay": {"timm": "CosineLRScheduler(k_decay=)", "fastai": "SchedPoly"},
    "OneMinusSqrt": {"timm": 'WSDLRScheduler(decay_fn="1-sqrt")'},
    "Constant": {
        "transformers": "get_constant_schedule",
        "optax": "constant_schedule",
        "fastai": "SchedNo",
        "composer": "ConstantScheduler",
        "jax_trainers": 'levanter(lr_schedule="constant")',
    },
    "InverseSqrt": {
        "jax_trainers": 'levanter(lr_schedule="inv_sqrt"), t5x("rsqrt_decay")',
    },
    "InversePower": {"jax_trainers": 'levanter(lr_schedule="power")'},
    "InverseTime": {"keras": "InverseTimeDecay"},
    "ExponentialDecay": {
        "torch": "ExponentialLR, StepLR",
        "timm": "StepLRScheduler",
        "keras": "ExponentialDecay",
        "optax": "exponential_decay",
        "composer": "ExponentialScheduler, StepScheduler",
        "jax_trainers": 't5x("decay_every")',
    },
    "Function": {"torch": "LambdaLR"},
    "PiecewiseConstant": {
        "torch": "MultiStepLR, ConstantLR",
        "timm": "MultiStepLRScheduler",
        "keras": "PiecewiseConstantDecay",
        "optax": "piecewise_constant_schedule",
        "composer": "MultiStepScheduler",
    },
    "Interpolated": {"optax": "piecewise_interpolate_schedule"},
    "Triangular": {"torch": "CyclicLR"},
    "CosineWave": {
        "torch": "CosineAnnealingLR",
        "transformers": "get_cosine_schedule_with_warmup(num_cycles=)",
    },
    "CyclicPolynomial": {"keras": "PolynomialDecay(cycle=True)"},
    "warmup_constant": {
        "transformers": "get_constant_schedule_with_warmup",
        "optax": "warmup_constant_schedule",
        "composer": "ConstantWithWarmupScheduler",
        "jax_trainers": 'levanter(lr_schedule="constant", warmup=)',
    },
    "warmup_linear": {
        "transformers": "get_linear_schedule_with_warmup",
        "keras": "WarmUp(PolynomialDecay)",
        "composer": "LinearWithWarmupScheduler",
        "jax_trainers": 'levanter(lr_schedule="linear", warmup=)',
    },
    "warmup_cosine": {
        "torch": "SequentialLR([LinearLR, CosineAnnealingLR])",
        "transformers": "get_cosine_schedule_with_warmup",
        "timm": "CosineLRScheduler(warmup_t=, warmup_prefix=True)",
        "keras": "CosineDecay(warmup_target=, warmup_steps=)",
        "optax": "warmup_cosine_decay_schedule",
        "composer": "CosineAnnealingWithWarmupScheduler",
        "jax_trainers": 'levanter(lr_schedule="cosine", warmup=)',
    },
    "warmup_polynomial": {
        "transformers": "get_polynomial_decay_schedule_with_warmup",
        "timm": "PolyLRScheduler(warmup_t=, warmup_prefix=True)",
        "composer": "PolynomialWithWarmupScheduler",
        "jax_trainers": 'levanter(lr_schedule="polynomial", warmup=)',
    },
    "warmup_inverse_sqrt": {
        "transformers": "get_inverse_sqrt_schedule",
        "jax_trainers": 't5x("constant * linear_warmup * rsqrt_decay")',
    },
    "warmup_stable_decay": {
        "transformers": "get_wsd_schedule",
        "timm": "WSDLRScheduler",
        "jax_trainers": 'maxtext(lr_schedule_type="wsd")',
    },
    "trapezoid": {"jax_trainers": 'levanter(lr_schedule="linear", warmup=, decay=)'},
    "warmup_stable_decay_cycles": {
        "jax_trainers": 'levanter(lr_schedule="linear", decay=, cycles=)',
    },
    "flat_cosine": {"fastai": "fit_flat_cos"},
    "warmup_multi_step": {
        "timm": "MultiStepLRScheduler(warmup_t=)",
        "composer": "MultiStepWithWarmupScheduler",
    },
    "cosine_restarts": {
        "torch": "CosineAnnealingWarmRestarts",
        "transformers": "get_cosine_with_hard_restarts_schedule_with_warmup",
        "timm": "CosineLRScheduler(cycle_mul=, cycle_decay=, cycle_limit=)",
        "keras": "CosineDecayRestarts",
        "optax": "sgdr_schedule",
        "fastai": "fit_sgdr",
        "composer": "CosineAnnealingWarmRestartsScheduler",
        "jax_trainers": 'levanter(lr_schedule="cosine", cycles=)',
    },
    "one_cycle": {
        "torch": "OneCycleLR",
        "optax": "cosine_onecycle_schedule, linear_onecycle_schedule",
        "fastai": "fit_one_cycle",
    },
    "one_cycle_momentum": {"torch": "OneCycleLRMomentum", "fastai": "fit_one_cycle(...).mom"},
    "join": {
        "torch": "SequentialLR",
        "optax": "join_schedules",
        "fastai": "combine_scheds",
    },
    "Product": {"torch": "ChainedScheduler", "jax_trainers": 't5x("a * b")'},
    "Noise": {"timm": "CosineLRScheduler(noise_range_t=)"},
}
