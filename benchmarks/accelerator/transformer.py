"""The transformer example in bfloat16 beside the same model in PyTorch: speed, and memory.

Both are alive at once and take turns, so that a change in the machine's speed meets both.
"""

import importlib.util
import statistics
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

from benchmarks.twins.child import Child
from benchmarks.twins.model import Model

from .measurements import Clock, LeftOut, Measurement, Row, told
from .peaks import share

ROUNDS = 7
ON_DEVICE: dict[str, Any] = {"dtype": "bfloat16", "device": "gpu", "compile": True}
NANOGPT = Model(6, 6, 384, 256, batch=64, vocabulary=65, steps=50, **ON_DEVICE)
GPT2 = Model(12, 12, 768, 1024, batch=32, vocabulary=50304, steps=5, **ON_DEVICE)
TINY = Model(1, 2, 16, 8, batch=2, vocabulary=11, steps=2, dtype="bfloat16", device="gpu")
ONE_ROUND = 10.0  # seconds that a round may take when time is up


def measurements(quick: bool) -> Iterator[Measurement]:
    """Each model; then the larger one with XLA's attention, where cuDNN's is the example's own."""
    if quick:
        yield Measurement("transformer", partial(_pair, "transformer", TINY, 1))
        return
    for name, model in (("nanoGPT's GPU size", NANOGPT), ("GPT-2's small size", GPT2)):
        what = f"transformer, {name}"
        yield Measurement(what, partial(_pair, what, model, ROUNDS))
    what = "transformer, GPT-2's small size, XLA's attention"
    yield Measurement(what, partial(_alone, what, GPT2._replace(attention="xla")))


def _pair(what: str, model: Model, rounds: int, clock: Clock) -> Iterator[Row]:
    """The example, PyTorch, and the ratio of their times; or why there is no PyTorch."""
    with ExitStack() as stack:
        ours = stack.enter_context(Child("jax", model))
        facts = ours.ready(clock.left())
        model = model._replace(batch=facts["batch"])
        sides, problem, torch_facts = [ours], None, {}
        try:
            sides.append(stack.enter_context(_torch(model, facts["platform"])))
            torch_facts = sides[1].ready(clock.left())
        except Exception as error:  # told below; the example is measured without it
            sides, problem = [ours], error
        times = _rounds(sides, rounds, clock)
    yield _row(f"{what}, {facts['parameters'] / 1e6:.2f}M parameters", model, facts, times[0])
    if problem:
        yield Row(f"{what}, PyTorch", told(problem))
        return
    torch_facts["device"] = facts["device"]
    yield _row(f"{what}, PyTorch ({torch_facts['how']})", model, torch_facts, times[1])
    ratio = statistics.median(a / b for a, b in zip(*times, strict=True))
    values = {"ratio": ratio, "parameters": [facts["parameters"], torch_facts["parameters"]]}
    yield Row(f"{what}: time of a step over PyTorch's", f"{ratio:.3f}x", "0.95x", values)


def _alone(what: str, model: Model, clock: Clock) -> Iterator[Row]:
    """Another attention, where there is a GPU for it."""
    with Child("jax", model) as child:
        facts = child.ready(clock.left())
        times = _rounds([child], ROUNDS, clock)
    yield _row(what, model._replace(batch=facts["batch"]), facts, times[0])


def _torch(model: Model, platform: str) -> Child:
    """Its process, on the device that JAX uses."""
    if importlib.util.find_spec("torch") is None:
        raise LeftOut("this Python has no torch")
    if platform not in ("cpu", "gpu"):
        raise LeftOut(f"PyTorch does not know the platform {platform!r}")
    return Child("torch", model._replace(device=platform))


def _rounds(sides: list[Child], rounds: int, clock: Clock) -> list[list[float]]:
    """Milliseconds of a step of each side, in rounds that begin with the one, then the other."""
    times: list[list[float]] = [[] for _ in sides]
    for number in range(rounds):
        if number and clock.over():
            break
        order = range(len(sides)) if number % 2 == 0 else reversed(range(len(sides)))
        for side in order:
            times[side].append(sides[side].measure(clock.left() + ONE_ROUND)["wall_ms"])
    return times


def _row(what: str, model: Model, facts: dict[str, Any], times: list[float]) -> Row:
    """Tokens per second, the share of the peak that they mean, and memory."""
    ms = statistics.median(times)
    speed = model.tokens / ms * 1e3
    part, said = share(speed * model.flops_per_token(facts["parameters"]), facts["device"])
    memory = facts["peak_bytes"]
    held = f", {memory / 2**30:.1f} GiB" if memory else ""
    figure = f"{speed:,.0f} tokens/s, {said}{held} ({ms:.2f} ms, batch {model.batch})"
    values = {"tokens_per_s": speed, "share_of_peak": part, "ms": times, "model": model._asdict()}
    return Row(what, figure, "", facts | values)
