"""The decays of Levanter's cycles: what `lr_schedule` names."""

import math

from ..._numerics import MAX_STEP
from ...schedules._algebra import maximum
from ...schedules._constant import Constant
from ...schedules._join import join
from ...schedules._open_ended import InversePower, InverseSqrt
from ...schedules._schedule import Schedule
from ...schedules._segment import Segment
from ...schedules._segments import Cosine, Harmonic, Linear, Polynomial
from .._terms import host_values

KINDS = (
    "constant",
    "cosine",
    "linear",
    "polynomial",
    "inv_sqrt",
    "inv_sqrt_decay",
    "inv",
    "power",
)


class Decay:
    """The decay of a cycle: a kind, with its numbers."""

    def __init__(self, kind: str, peak: float, floor: float, more: dict[str, float], exact: bool):
        self.kind, self.peak, self.floor, self.more, self.exact = kind, peak, floor, more, exact

    def curve(self, warmup: int, steps: int) -> Schedule:
        """The decay in a cycle that decays for that many steps."""
        peak, floor, more = self.peak, self.floor, self.more
        if steps == 0:
            return Constant(peak)
        match self.kind:
            case "cosine":
                return Cosine(peak, floor, steps, exponent=more["exponent"])
            case "linear":
                return Linear(peak, floor, steps)
            case "polynomial":
                return Polynomial(peak, floor, steps, power=more["power"])
            case "inv_sqrt":
                return maximum(_capped(peak, more["timescale"], 0.5, warmup), floor)
            case "inv_sqrt_decay":
                return maximum(InverseSqrt(peak, steps / more["decay_constant"]), floor)
            case "inv":
                return self._harmonic(steps)
            case "power":
                return self._power()
        return Constant(peak)

    def at(self, curve: Schedule, step: int) -> float:
        """The value of a decay at its end."""
        if isinstance(curve, Constant):
            return float(curve.value)
        return self.floor if isinstance(curve, Segment) else float(host_values(curve, step))

    def _power(self) -> Schedule:
        """`batch_size * a * tokens ** b`, where that is below the peak."""
        more = {name: math.log(abs(x)) for name, x in self.more.items()}
        scale = more["batch_size"] + more["a"] - math.log(self.peak)
        power = -self.more["b"]
        reached = scale / power - more["batch_size"] - more["seq_length"]  # the step, as a log
        if reached < 0:  # below the peak at step 1; that timescale may be too small for float32
            first = self.peak * math.exp(power * reached)
            return join([Constant(self.peak), InversePower(first, 1.0, power=power)], [1])
        return _capped(self.peak, math.exp(min(reached, 700.0)), power, 0)

    def _harmonic(self, steps: int) -> Schedule:
        if self.floor > self.peak:
            return Constant(self.floor)  # min(1, ...) keeps it from rising; the floor is above it
        curve = Harmonic(self.peak, self.floor, steps)
        return curve.shift(-1).shift(1) if self.exact else curve  # its step 0 reads as step 1


def _capped(peak: float, timescale: float, power: float, behind: int) -> Schedule:
    """`peak * min(1, timescale / (t + behind)) ** power`."""
    flat = math.ceil(timescale - behind) if timescale <= MAX_STEP else MAX_STEP + 1
    if flat > MAX_STEP:
        return Constant(peak)
    curve = InversePower(peak, timescale, power=power, offset=max(flat, 0) + behind - timescale)
    return join([Constant(peak), curve], [max(flat, 0)])
