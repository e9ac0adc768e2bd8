"""Know a run's loss before it is made: `python -m examples.predict_loss`.

Trains the transformer of `examples.transformer_lm` twice, with a cosine and with a constant rate,
and fits a law to the two curves of held-out losses. It predicts the run of a third schedule
(`--schedule`, by default wsd, or `--schedule-config FILE`) and says so; then that run is made, and
the error is printed. Of a fit that did not converge it gives no interval.

With the defaults it predicted 1.195 (1.176 to 1.215) and found 1.196. Of 80% intervals, one in five
does not hold what comes.
"""

import dataclasses
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import anneal_jax as anneal
from anneal_jax import laws

from .command_line import BadInput, Ending, given, leave, note, parse, reject, unread
from .figures import legend_above, two_panels
from .transformer_lm import config as transformer, data, schedules
from .transformer_lm.silent import NotFinite, Silent
from .transformer_lm.state import load_corpus, make_run, make_state
from .transformer_lm.train import dispatches, due, train

FITTED = ("cosine", "constant")
FEWEST = 8  # losses of a run that `laws.fit` wants, after the warmup
Curve = tuple[anneal.Schedule, np.ndarray, np.ndarray]  # the schedule, steps, losses


@dataclasses.dataclass(frozen=True)
class Config(transformer.Config):
    """Predict the loss of a transformer's run before it is made, from two others."""

    out: Path = Path("runs/predict_loss")  # the figure and the fit go here
    steps: int = 1000  # of each of the three runs
    unfitted: str = "20%"  # of them at the start; no law holds there
    schedule: str = "wsd"  # the run that is predicted
    steps_per_dispatch: int = 20  # a loss is measured after a dispatch
    evaluate_every: str = "2%"  # all of the held-out text, each time


class Recorder(Silent):
    """In place of the transformer example's report: keeps held-out losses, and writes nothing."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.step = -1
        self.at: list[int] = []
        self.losses: list[float] = []

    def steps(self, first: int, rows: dict[str, Any]) -> None:
        """Steps `first`, `first + 1`, …"""
        super().steps(first, rows)
        self.step = first + len(rows["loss"]) - 1

    def validation(self, loss: float, cooled: float | None = None) -> None:
        """The loss on held-out text after the last of these steps."""
        super().validation(loss, cooled)
        self.at.append(self.step)
        self.losses.append(loss)


def title(config: Config) -> str:
    """What the predicted run is called: its file or its schedule."""
    return config.schedule_config.name if config.schedule_config else config.schedule


def measured_at(config: Config) -> np.ndarray:
    """The steps after which a loss is measured, as `train` does it."""
    every = schedules.steps(config, "evaluate_every", least=1)
    ahead = dispatches(0, config.steps, config.steps_per_dispatch)
    ends = [(first, first + count) for first, count in ahead]
    return np.array([end for first, end in ends if due(first, end, every, config.steps)]) - 1


def check(config: Config) -> None:
    """Refuse, before anything is trained, what could not be fitted after it."""
    if config.schedule_config is None and config.schedule in FITTED:
        reject("schedule", f"another than {' and '.join(FITTED)}", config.schedule, "try wsd")
    at, warmup = measured_at(config), schedules.steps(config, "warmup")
    kept = (at >= max(warmup, schedules.steps(config, "unfitted"))).sum()
    if kept < FEWEST:
        late = (at >= warmup).sum() >= FEWEST
        option = "unfitted" if late else "evaluate_every"
        got = f"{getattr(config, option)!r} ({kept} are left)"
        remedy = "lower it" if late else "lower it, and --steps-per-dispatch"
        reject(option, f"such that {FEWEST} losses of each run are left to be fitted", got, remedy)


def remarks(config: Config, schedule: anneal.Schedule, named: set[str]) -> list[str]:
    """What the user may not expect, as in the transformer's own run, of the options `named`."""
    fitted = schedules.Noted(config)
    for name in FITTED:
        schedules.SCHEDULES[name](fitted)  # what these read is read, whatever is predicted
    sample = ("sample_length", "prompt", "temperature", "top_k", "top_p")
    why = dict.fromkeys(sample, "a prediction, which writes no sample")
    later = ("resume", "branch", "at", "extend_to", "cooldown_now", "preview_cooldown")
    why |= dict.fromkeys((*later, "checkpoint_every", "keep"), "a prediction, which keeps no state")
    rest = named - fitted.read - why.keys()
    return [*unread(named, why), *schedules.remarks(config, schedule, rest)]


def measure(config: Config, corpus: data.Corpus, name: str) -> Curve:
    """Train with one schedule: one that is fitted, or the predicted one."""
    one = config
    if name != title(config):
        one = dataclasses.replace(config, schedule=name, schedule_config=None)
    schedule, recorder = schedules.build(one), Recorder(config.out)
    run = make_run(one, corpus)
    train(run, make_state(run), recorder)
    print(f"{name:9} trained: loss {recorder.losses[-1]:.4f}", flush=True)
    return schedule, np.array(recorder.at), np.array(recorder.losses)


def fit(config: Config, runs: Sequence[Curve]) -> laws.Fit:
    """A law fitted to the runs but for their first steps."""
    first = schedules.steps(config, "unfitted")
    late = [(schedule, at[at >= first], losses[at >= first]) for schedule, at, losses in runs]
    try:
        with warnings.catch_warnings():  # (it is told where the interval would stand)
            warnings.filterwarnings("ignore", ".*did not converge", UserWarning)
            found = laws.fit(laws.MultiPowerLaw, late, progress=config.progress)
    except ValueError as error:
        reject("steps", "enough for a law to be fitted", config.steps, str(error))
    found.save(config.out / "fit.json")
    return found


def draw(
    path: Path, runs: dict[str, Curve], prediction: laws.Prediction, name: str, band: bool
) -> None:
    """Rates on the left; losses, the prediction and perhaps its interval on the right."""
    figure, left, right = two_panels()
    every = np.arange(len(prediction.losses))
    for one, (schedule, at, losses) in runs.items():
        left.plot(every, np.asarray(schedule(every)), label=one)
        label = f"{one}, found" if one == name else None  # the fitted ones by their colours
        right.plot(at, losses, ".", label=label)
    shown = every >= runs[name][1][0]
    right.plot(every[shown], prediction.losses[shown], "k", label=f"{name}, predicted")
    if band:
        ends = prediction.low[shown], prediction.high[shown]
        right.fill_between(every[shown], *ends, color="k", alpha=0.15, linewidth=0)
    low, high = min(c[2].min() for c in runs.values()), np.median(runs[name][2])
    right.set_ylim(low - 0.2 * (high - low), high + 2 * (high - low))
    left.set(xlabel="step", ylabel="learning rate")
    right.set(xlabel="step", ylabel="held-out loss")
    legend_above(left)
    legend_above(right)
    figure.savefig(path)


def told(prediction: laws.Prediction, converged: bool) -> str:
    """How far the prediction may be off."""
    if not converged:
        return "the fit did not converge, so no interval holds: lower --evaluate-every, or train on"
    low, high = prediction.interval
    return f"with probability {prediction.probability} from {low:.4f} to {high:.4f}"


def run(config: Config, named: set[str], ending: Ending) -> None:
    """Two runs, a fit, a prediction, the third run."""
    name, predicted = title(config), schedules.build(config)  # (bad options are told first)
    check(config)
    corpus = load_corpus(config)
    ending.make_folder(config.out, ("predicted.png", "fit.json"), config.overwrite)
    for remark in remarks(config, predicted, named):
        note(remark)
    runs = {one: measure(config, corpus, one) for one in FITTED}
    found = fit(config, list(runs.values()))
    prediction = found.predict(predicted, config.steps)
    said = told(prediction, found.converged)
    print(f"{name:9} predicted: loss {prediction.loss:.4f}, {said}", flush=True)
    runs[name] = measure(config, corpus, name)
    truth = float(runs[name][2][-1])
    low, high = prediction.interval
    inside = f"; inside the interval: {low <= truth <= high}" if found.converged else ""
    print(f"error {prediction.loss - truth:+.4f}{inside}")
    draw(config.out / "predicted.png", runs, prediction, name, found.converged)
    print(f"written to {config.out}: predicted.png, fit.json")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    with Ending() as ending:
        config = parse(Config, "python -m examples.predict_loss", arguments)
        try:
            run(config, given(config, arguments), ending)
        except NotFinite as error:
            raise BadInput(str(error)) from None
    return ending.code


if __name__ == "__main__":
    leave(main())
