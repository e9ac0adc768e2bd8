"""Cases: the recipes, each against its description in words, made of reference segments."""

from functools import partial
from typing import Any

import anneal_jax as anneal
from tests import oracle as o, oracle_compose as oc
from tests.cases import Case

VALUES = {"peak_value": 0.3, "init_value": 0.02, "end_value": 0.001}
LENGTHS = {"warmup_steps": 10, "total_steps": 57}


def _warm(init: o.Real, peak: o.Real, steps: int, *rest: o.Plan) -> o.Plan:
    return oc.join([o.linear(init, peak, steps), *rest])


def _decaying(shape: Any) -> Any:
    """Warmup, then `shape` to the end."""

    def plan(
        peak_value: float,
        warmup_steps: int,
        total_steps: int,
        init_value: float = 0.0,
        end_value: float = 0.0,
        **more: float,
    ) -> o.Plan:
        decay = shape(peak_value, end_value, total_steps - warmup_steps, **more)
        return _warm(init_value, peak_value, warmup_steps, decay)

    return plan


WARMUPS = [
    Case(
        "warmup_constant",
        anneal.warmup_constant,
        lambda peak_value, init_value, warmup_steps: _warm(
            init_value, peak_value, warmup_steps, o.Constant(peak_value)
        ),
        {"peak_value": 0.3, "init_value": 0.02},
        {"warmup_steps": 10},
    ),
    Case("warmup_linear", anneal.warmup_linear, _decaying(o.linear), VALUES, LENGTHS),
    Case(
        "warmup_cosine",
        anneal.warmup_cosine,
        _decaying(o.cosine),
        VALUES | {"exponent": 1.3},
        LENGTHS,
    ),
    Case(
        "warmup_cosine by default",
        anneal.warmup_cosine,
        _decaying(o.cosine),
        {"peak_value": 0.3},
        {"warmup_steps": 0, "total_steps": 300},
    ),
    Case(
        "warmup_polynomial",
        anneal.warmup_polynomial,
        _decaying(o.polynomial),
        VALUES | {"power": 1.3},
        LENGTHS,
    ),
    Case(
        "warmup_inverse_sqrt",
        anneal.warmup_inverse_sqrt,
        lambda peak_value, init_value, timescale, warmup_steps: _warm(
            init_value, peak_value, warmup_steps, o.inverse_sqrt(peak_value, timescale)
        ),
        {"peak_value": 0.3, "init_value": 0.02, "timescale": 70.7},
        {"warmup_steps": 10},
    ),
    Case(
        "warmup_inverse_sqrt, the classic",
        anneal.warmup_inverse_sqrt,
        lambda peak_value, warmup_steps: _warm(
            0.0, peak_value, warmup_steps, o.inverse_sqrt(peak_value, warmup_steps)
        ),
        {"peak_value": 0.3},
        {"warmup_steps": 10},
    ),
    Case(
        "noam",
        anneal.noam,
        lambda model_size, factor, warmup_steps: o.Function(
            lambda t: (
                (factor / o.mp.sqrt(model_size))
                * min(1 / o.mp.sqrt(t + 1), (t + 1) * o.mp.mpf(warmup_steps) ** -1.5)
            ),
            (0, o.mp.inf),
        ),
        {"model_size": 512.0, "factor": 0.7},
        {"warmup_steps": 40},
        stretches=False,  # its reference has no parts to stretch
    ),
    Case(
        "warmup_multi_step",
        lambda peak, init, first, second, warmup, i, j: anneal.warmup_multi_step(
            peak, warmup, [i, j], [first, second], init_value=init
        ),
        lambda peak, init, first, second, warmup, i, j: _warm(
            init,
            peak,
            warmup,
            oc.table(
                [peak, o.mp.mpf(peak) * first, o.mp.mpf(peak) * first * second],
                [i - warmup, j - warmup],
            ),
        ),
        {"peak": 0.3, "init": 0.02, "first": 0.3, "second": 0.1},
        {"warmup": 4, "i": 10, "j": 20},
    ),
    Case(
        "deepseek_steps",
        anneal.deepseek_steps,
        lambda peak_value, warmup_steps, total_steps: _warm(
            0.0,
            peak_value,
            warmup_steps,
            oc.table(
                [peak_value, o.mp.mpf(peak_value) * 0.316, o.mp.mpf(peak_value) * 0.1],
                [_part(0.8, total_steps) - warmup_steps, _part(0.9, total_steps) - warmup_steps],
            ),
        ),
        {"peak_value": 0.3},
        {"warmup_steps": 5, "total_steps": 43},
    ),
]


def _part(fraction: float, steps: int) -> int:
    return oc.nearest(oc.Fraction(fraction) * steps)


COOLDOWNS = {
    anneal.Linear: o.linear,
    anneal.Cosine: o.cosine,
    anneal.Polynomial: o.polynomial,
    anneal.OneMinusSqrt: o.one_minus_sqrt,
    anneal.OneMinusSquare: o.one_minus_square,
    anneal.Exponential: o.exponential,
    anneal.ShiftedExponential: o.shifted_exponential,
    anneal.Logarithmic: o.logarithmic,
}


def _stable(
    shape: Any,
    peak_value: float,
    warmup_steps: int,
    decay_steps: int,
    total_steps: int,
    init_value: float = 0.0,
    end_value: float = 0.0,
) -> o.Plan:
    stable = o.Constant(peak_value, total_steps - warmup_steps - decay_steps)
    decay = shape(peak_value, end_value, decay_steps)
    return _warm(init_value, peak_value, warmup_steps, stable, decay)


def _stable_cycles(
    peak_value: float,
    init_value: float,
    end_value: float,
    warmup_steps: int,
    rewarmup_steps: int,
    decay_steps: int,
    periods: list[int],
) -> o.Plan:
    parts = []
    for index, period in enumerate(periods):
        warmup, init = (rewarmup_steps, end_value) if index else (warmup_steps, init_value)
        parts.append(
            _stable(o.one_minus_sqrt, peak_value, warmup, decay_steps, period, init, end_value)
        )
    return oc.join(parts, restarts=True)


STABLE = [
    *(
        Case(
            f"warmup_stable_decay, {cooldown.__name__}",
            partial(anneal.warmup_stable_decay, cooldown=cooldown),
            partial(_stable, shape),
            VALUES,
            {"warmup_steps": 5, "decay_steps": 13, "total_steps": 41},
            similar=cooldown is not anneal.OneMinusSqrt,
        )
        for cooldown, shape in COOLDOWNS.items()
    ),
    Case(
        "trapezoid",
        anneal.trapezoid,
        partial(_stable, o.linear),
        {"peak_value": 0.3},
        {"warmup_steps": 5, "decay_steps": 13, "total_steps": 41},
    ),
    Case(
        "warmup_stable_decay_cycles",
        lambda i, j, k, **numbers: anneal.warmup_stable_decay_cycles(periods=[i, j, k], **numbers),
        lambda i, j, k, **numbers: _stable_cycles(periods=[i, j, k], **numbers),
        VALUES,
        {"warmup_steps": 4, "rewarmup_steps": 2, "decay_steps": 5, "i": 15, "j": 12, "k": 20},
    ),
    Case(
        "flat_cosine",
        anneal.flat_cosine,
        lambda peak_value, end_value, flat_steps, total_steps: oc.join(
            [
                o.Constant(peak_value, flat_steps),
                o.cosine(peak_value, end_value, total_steps - flat_steps),
            ]
        ),
        {"peak_value": 0.3, "end_value": 0.001},
        {"flat_steps": 20, "total_steps": 41},
    ),
    Case(
        "with_cooldown",
        lambda peak, end, n, start, decay: anneal.with_cooldown(
            anneal.Cosine(peak, 0.0, n), start, decay, end_value=end
        ),
        lambda peak, end, n, start, decay: oc.join(
            [
                o.cosine(peak, 0.0, n),
                o.one_minus_sqrt(o.cosine(peak, 0.0, n).value(start), end, decay),
            ],
            [start],
        ),
        {"peak": 0.3, "end": 0.001},
        {"n": 50, "start": 20, "decay": 10},
    ),
    Case(
        "with_cooldown of an open end, to zero",
        lambda peak, n, start, decay: anneal.with_cooldown(
            anneal.warmup_inverse_sqrt(peak, n), start, decay, cooldown=anneal.Linear
        ),
        lambda peak, n, start, decay: oc.join(
            [
                o.linear(0.0, peak, n),
                o.inverse_sqrt(peak, n),
                o.linear(o.inverse_sqrt(peak, n).value(start - n), 0.0, decay),
            ],
            [n, start],
        ),
        {"peak": 0.3},
        {"n": 5, "start": 20, "decay": 10},
    ),
]


def _sgdr(
    peak_value: float,
    cycle_steps: int,
    cycles: int | None = None,
    steps_factor: float = 1,
    value_factor: float = 1.0,
    end_value: float = 0.0,
    warmup_steps: int = 0,
    floor_factor: float = 1.0,
) -> o.Plan:
    def cycle(low: float, high: float) -> o.Plan:
        anneal_steps = cycle_steps - warmup_steps
        return _warm(low, high, warmup_steps, o.cosine(high, low, anneal_steps))

    factors = {
        "factor": value_factor,
        "floor": cycle(end_value, 0.0),
        "floor_factor": floor_factor,
    }
    if value_factor == floor_factor == 1:
        return oc.growing(cycle(end_value, peak_value), steps_factor, cycles)
    return oc.growing(cycle(0.0, peak_value), steps_factor, cycles, **factors)


def _one_cycle(
    values: list[o.Real], total_steps: int, warmup_fraction: float, shape: Any
) -> o.Plan:
    up = _part(warmup_fraction, total_steps)
    lengths = [up] * (len(values) - 2)
    lengths.append(total_steps - sum(lengths))
    return oc.join([shape(*values[k : k + 2], n) for k, n in enumerate(lengths)])


def _rates(peak: float, div: float, final: float, three_phase: bool) -> list[float]:
    start = peak / div  # in double, so that it counts as given
    return [start, peak, *([start] if three_phase else []), start / final]


def _rate_case(three_phase: bool, shape: type[anneal.Segment], plan: Any) -> Case:
    return Case(
        f"one_cycle {three_phase} {shape.__name__}",
        partial(anneal.one_cycle, three_phase=three_phase, shape=shape),
        lambda peak_value, total_steps, warmup_fraction, div_factor, final_div_factor: _one_cycle(
            _rates(peak_value, div_factor, final_div_factor, three_phase),
            total_steps,
            warmup_fraction,
            plan,
        ),
        {"peak_value": 0.3, "warmup_fraction": 0.3, "div_factor": 24.7, "final_div_factor": 990.0},
        {"total_steps": 53},
        rounded=("warmup_fraction",),
        similar=three_phase,
    )


def _momentum_case(three_phase: bool) -> Case:
    def plan(
        base_momentum: float, max_momentum: float, warmup_fraction: float, total_steps: int
    ) -> o.Plan:
        values = [max_momentum, base_momentum, max_momentum] + [max_momentum] * three_phase
        return _one_cycle(values, total_steps, warmup_fraction, o.cosine)

    return Case(
        f"one_cycle_momentum {three_phase}",
        partial(anneal.one_cycle_momentum, three_phase=three_phase),
        plan,
        {"base_momentum": 0.85, "max_momentum": 0.97, "warmup_fraction": 0.3},
        {"total_steps": 53},
        rounded=("warmup_fraction",),
        similar=three_phase,
    )


ENDS = {"end_value": 0.01, "floor_factor": 0.9}

CYCLES = [
    Case(
        "cosine_restarts for ever",
        anneal.cosine_restarts,
        _sgdr,
        {"peak_value": 0.3},
        {"cycle_steps": 5},
    ),
    Case(
        "cosine_restarts, growing for ever",
        partial(anneal.cosine_restarts, steps_factor=2),
        partial(_sgdr, steps_factor=2),
        {"peak_value": 0.3, "value_factor": 0.7} | ENDS,
        {"cycle_steps": 9, "warmup_steps": 2},
    ),
    Case(
        "cosine_restarts, so many",
        partial(anneal.cosine_restarts, steps_factor=1.5),
        partial(_sgdr, steps_factor=1.5),
        {"peak_value": 0.3, "value_factor": 0.7, "end_value": 0.01},
        {"cycle_steps": 9, "warmup_steps": 2, "cycles": 4},
    ),
    _rate_case(False, anneal.Cosine, o.cosine),
    _rate_case(True, anneal.Linear, o.linear),
    _momentum_case(False),
    _momentum_case(True),
]

RECIPES = WARMUPS + STABLE + CYCLES
