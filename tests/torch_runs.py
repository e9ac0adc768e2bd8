"""Torch's schedulers run over a dummy optimizer, as the oracle of their ports."""

import warnings
from typing import Any

from tests.peers import peer

torch = peer("torch")
lr_scheduler = peer("torch.optim.lr_scheduler")
swa_utils = peer("torch.optim.swa_utils")


def optimizer(*rates: float) -> Any:
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": rate} for rate in rates]
    return torch.optim.SGD(groups, lr=1.0, momentum=0.9)


def trajectory(build: Any, rate: float, steps: int, key: str = "lr") -> list[float]:
    """What a scheduler sets from step 0 on."""
    opt = optimizer(rate)
    return run(opt, build(opt), steps, key)[0]


def run(opt: Any, scheduler: Any, steps: int, key: str = "lr") -> list[list[float]]:
    found: list[list[float]] = [[] for _ in opt.param_groups]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no optimizer step between two of the scheduler
        for _ in range(steps):
            for values, group in zip(found, opt.param_groups, strict=True):
                values.append(float(group[key]))
            scheduler.step()
    return found


PARTS = {
    "LinearLR": {"start_factor": 0.2, "total_iters": 7},
    "ConstantLR": {"factor": 0.5, "total_iters": 4},
    "StepLR": {"step_size": 5, "gamma": 0.5},
    "MultiStepLR": {"milestones": [3, 11], "gamma": 0.5},
    "ExponentialLR": {"gamma": 0.9},
    "PolynomialLR": {"total_iters": 12, "power": 2.0},
    "CosineAnnealingLR": {"T_max": 9},
    "CosineAnnealingWarmRestarts": {"T_0": 4, "T_mult": 2, "eta_min": 1e-3},
}
CHAINED = PARTS | {"CosineAnnealingLR": {"T_max": 60}}  # past its end: see the quirks
del CHAINED["CosineAnnealingWarmRestarts"]


def part(opt: Any, name: str, parts: dict[str, Any] = PARTS) -> Any:
    return getattr(lr_scheduler, name)(opt, **parts[name])


def chain(opt: Any, names: list[str]) -> Any:
    return lr_scheduler.ChainedScheduler([part(opt, name, CHAINED) for name in names], opt)
