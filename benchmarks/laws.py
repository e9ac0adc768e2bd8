"""`python -m benchmarks.laws`: what laws cost, and how well they know curves they have not seen.

The runs (`loss_curves`) are not part of the project; without them their rows are left out. How the
fit's settings were chosen, on other runs than those named here as tests: `docs/laws.md`.
"""

import csv
import gzip
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import anneal_jax as anneal
from anneal_jax import laws
from anneal_jax.laws import Law, MultiPowerLaw
from anneal_jax.laws._law import _fast
from benchmarks import measure

RUNS = Path(__file__).parents[2] / "shared/data/loss_curves"
PEAK, WARMUP, STEPS = 3e-4, 2_160, 24_000
PUBLISHED = {
    "25M": (MultiPowerLaw(3.0405, 0.5247, 0.5079, 363.79, 2.0656, 0.5828, 0.6414), "3.2580"),
    "100M": (MultiPowerLaw(2.6514, 0.6012, 0.4530, 437.95, 2.1325, 0.5979, 0.6552), "2.9246"),
}
LAWS: list[Law] = [
    laws.LevelLaw(2.5, 0.5, 0.5, 300.0),
    laws.MomentumLaw(2.5, 0.5, 0.5, 0.3, 0.99),
    PUBLISHED["25M"][0],
    laws.FunctionalScalingLaw(2.5, 0.5, 0.5, 0.1, 5.0, 1.5, 1e-3),
]
TRIED_CURVES = "weights, Huber's bound, priors, means of laws, on other curves; see docs/laws.md"
TRIED_INTERVALS = "misfits chosen on five other sets, where 76% are inside; see docs/laws.md"
TRIED_KNOTS = "64 and 256 knots, floors of 1e-3 to 1e-6: the same to 6e-6, the law's optimum"
Run = tuple[np.ndarray, np.ndarray, np.ndarray]  # the rate of every step, steps, losses
Row = tuple[str, str, str]


def median_ms(call: Callable[[], Any]) -> float:
    """Of nine."""
    return 1e3 * statistics.median(measure.cpu_seconds(call) for _ in range(9))


def costs() -> list[Row]:
    """Times, errors and memory of whole curves."""
    found = []
    rates = np.asarray(anneal.warmup_cosine(PEAK, WARMUP, 100_000)(np.arange(100_000)), float)[1:]
    with jax.enable_x64(True):
        for law in LAWS:
            name = type(law).__name__
            slope = jax.jit(jax.grad(lambda r, law=law: law(r)[-1]))
            for what, call, goal in (
                ("curve", lambda law=law: law(rates).block_until_ready(), 25),
                ("final loss and gradient", lambda s=slope: s(rates).block_until_ready(), 150),
            ):
                call()
                ms = median_ms(call)
                figure = f"{ms:.0f} ms{measure.missed(ms, high=goal)}"
                found.append((f"{name}, {what}, 1e5 steps", figure, f"{goal}"))
            short = rates[::25]
            error = float(np.max(np.abs(law(short) / law(short, exact=True) - 1)))
            found.append((f"{name}, relative error of a curve", f"{error:.1e}", "1e-6"))
            sizes = [_memory(law, n) for n in (50_000, 100_000)]
            ratio = sizes[1] / sizes[0]
            found.append((f"{name}, memory of 1e5 steps over 5e4", f"{ratio:.2f}", "2"))
    return found


def _memory(law: Law, steps: int) -> float:
    analysis: Any = _fast.lower(law, jnp.ones(steps)).compile().memory_analysis()
    return analysis.temp_size_in_bytes + analysis.output_size_in_bytes


def optimized() -> list[Row]:
    """Schedules by the published parameters."""
    found = []
    for size, (law, goal) in PUBLISHED.items():
        laws.optimize_schedule(law, PEAK, STEPS, WARMUP)
        start = time.perf_counter()
        best = laws.optimize_schedule(law, PEAK, STEPS, WARMUP)
        seconds = time.perf_counter() - start
        off = measure.missed(round(best.loss, 5), high=float(goal), tried=TRIED_KNOTS)
        found.append((f"optimized schedule, {size}, final loss", f"{best.loss:.5f}{off}", goal))
        found.append((f"optimized schedule, {size}, after compilation", f"{seconds:.2f} s", "1"))
    return found


def mpl_rates(name: str) -> np.ndarray:
    """Of a run of the multi-power law's set."""
    steps = 72_000 if name.endswith("72000") else STEPS
    at = np.arange(steps + 1)
    warm = PEAK * np.minimum(at / WARMUP, 1)
    late = np.clip((at - 20_000) / 4_000, 0, 1)
    if name.startswith("cosine"):
        wave = np.cos(np.pi * np.clip((at - WARMUP) / (steps - WARMUP), 0, 1))
        return np.where(at < WARMUP, warm, PEAK * (0.55 + 0.45 * wave))
    if name.startswith("wsdcon"):
        return np.where(at < 8_000, warm, int(name.split("_")[1]) * 1e-5)
    if name.startswith("wsdld"):
        return warm * (1 - 0.9 * late)
    return warm * 0.1**late if name.startswith("wsd") else warm


def mpl_run(size: str, name: str) -> Run:
    """One of them, its rates checked against the logged ones."""
    table = np.genfromtxt(RUNS / "mpl" / size / f"{name}.csv", delimiter=",", names=True)
    rates, steps = mpl_rates(name), table["step"].astype(int)
    np.testing.assert_allclose(rates[steps], table["lr"], atol=2e-6)
    return rates, steps, table["loss"]


def mpl() -> list[Row]:
    """Three training curves, six others."""
    train = ("cosine_24000", "constant_24000", "wsdcon_9")
    wsd = "wsd_20000_24000"
    test = ("cosine_72000", "constant_72000", "wsdcon_3", "wsdcon_18", wsd, "wsdld_20000_24000")
    found = []
    for size, goal in (("25M", ".00376"), ("100M", ".00435")):
        runs = {name: mpl_run(size, name) for name in (*train, *test)}
        given = [runs[name] for name in train]
        gap = runs[wsd][2][-1] - runs[train[0]][2][-1]
        fits = {type(f.law): f for f in laws.select([type(law) for law in LAWS], given)}
        for kind, one in fits.items():
            curves = {name: np.asarray(one.law(runs[name][0])) for name in runs}
            errors = [np.abs(curves[n][runs[n][1]] - runs[n][2]).mean() for n in test]
            what = f"{size}, {kind.__name__}"
            mae = float(np.mean(errors))
            figure = f"{mae:.5f}{measure.missed(mae, high=float(goal), tried=_tried(kind))}"
            held = f"(held out {one.held_out:.5f})"
            found.append((f"{what}, MAE of six unseen curves {held}", figure, goal))
            ends = [curves[n][runs[n][1][-1]] for n in (wsd, train[0])]
            off = abs(float(ends[0] - ends[1] - gap))
            figure = f"{off:.4f}{measure.missed(off, high=0.01)}"
            found.append((f"{what}, error of the gap WSD - cosine ({gap:.4f})", figure, ".010"))
        start = time.perf_counter()
        laws.fit(MultiPowerLaw, given)
        seconds = time.perf_counter() - start
        found.append((f"{size}, MultiPowerLaw, fit after compilation", f"{seconds:.1f} s", "5"))
    return found


def _tried(kind: type[Law]) -> str:
    """Goals are for the best law; the others stand beside it."""
    return TRIED_CURVES if kind is MultiPowerLaw else ""


def llama_run(row: dict[str, str]) -> Run:
    """A run of the 124M set: rates by its manifest's row, held-out losses by its log."""
    steps, warmup, peak = int(row["iterations"]), int(row["warmup"]), float(row["base_lr"])
    at = np.arange(steps)
    first = 0.01 + 0.99 * 0.5 * (1 - np.cos(np.pi * np.minimum(at / warmup, 1)))
    if row["scheduler"] == "cos":
        after = 0.5 * (1 + np.cos(np.pi * (at - warmup) / (steps - warmup)))
    else:
        down = float(row["wsd_fract_decay"] or 0) * steps
        share = np.clip((at - (steps - down)) / max(down, 1), 0, 1)
        after = 1 - (np.sqrt(share) if row["decay_type"] == "sqrt" else share)
    with gzip.open(RUNS / "llama_124m" / row["file"], "rt") as file:
        logged = [
            (int(r["iter"]), float(r["val_loss"])) for r in csv.DictReader(file) if r["val_loss"]
        ]
    kept = [(i, loss) for i, loss in logged if 0 <= i < steps]
    where, losses = (np.array(x) for x in zip(*kept, strict=True))
    return peak * np.where(at < warmup, first, after), where, losses


def llama_rows(peak: str) -> tuple[list[Run], list[Run]]:
    """Training runs (cosine to 0, constant) and WSD runs at one peak."""
    with (RUNS / "llama_124m/MANIFEST.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if r["base_lr"] == peak]
    cosine = [r for r in rows if r["file"].startswith("cos-zero") and r["iterations"] == "50000"]
    constant = [r for r in rows if r["file"].startswith("stable")]
    wsd = [
        r
        for r in rows
        if r["scheduler"] == "wsd"
        and (r["file"].startswith("ann124") or r["wsd_fract_decay"] == "0.994")
    ]
    return [llama_run(cosine[0]), llama_run(constant[0])], [llama_run(row) for row in wsd]


def llama(peak: str = "0.001") -> list[Row]:
    """Two training runs, the final losses of 27 others."""
    from scipy.stats import spearmanr

    train, test = llama_rows(peak)
    observed = np.array([losses[-1] for _, _, losses in test])
    found = []
    for one in laws.select([type(law) for law in LAWS], train):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            said = [one.predict(rates[: at[-1] + 1]) for rates, at, _ in test]
        predicted = np.array([p.loss for p in said])
        inside = [p.interval[0] <= y <= p.interval[1] for p, y in zip(said, observed, strict=True)]
        what = f"124M at {peak}, {type(one.law).__name__}, {len(test)} unseen WSD runs"
        mae = float(np.abs(predicted - observed).mean())
        held = f"(held out {one.held_out:.4f})"
        off = measure.missed(mae, high=0.005)
        found.append((f"{what}, final MAE {held}", f"{mae:.4f}{off}", ".0050"))
        rank = float(spearmanr(predicted, observed)[0])
        found.append((f"{what}, Spearman", f"{rank:.3f}{measure.missed(rank, low=0.99)}", ".99"))
        share = 100 * float(np.mean(inside))
        tried = TRIED_INTERVALS if isinstance(one.law, MultiPowerLaw) else ""
        figure = f"{share:.0f}%{measure.missed(share, 70, 90, tried)}"
        found.append((f"{what}, in 80% intervals", figure, "70-90"))
    return found


def rows() -> list[Row]:
    """What, measured, goal."""
    found = [*costs(), *optimized()]
    return [*found, *mpl(), *llama()] if RUNS.exists() else found


if __name__ == "__main__":
    measure.pin_to_one_core()
    for row in rows():
        print(" | ".join(row))
