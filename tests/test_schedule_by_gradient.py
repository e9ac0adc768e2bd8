"""The example of a schedule tuned by gradient keeps its promises, at a size that takes seconds."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import anneal_jax as anneal
from examples import schedule_by_gradient as example
from examples.schedule_by_gradient import Config, Hyper, main
from tests.example_runs import colors, command, finish, refusal

TINY = {"steps": 12, "batch_size": 4, "hidden": 3, "updates": 3, "runs": 2, "fresh": 8}
TINY |= {"grid_peaks": 2, "grid_ends": 2, "grid_warmups": 1, "progress": False}
HYPER = {"peak": 0.1, "end": 0.01, "warmup_share": 0.23}  # 2.76 of 12 steps: no kink is near


@pytest.fixture(autouse=True, scope="module")
def strict():
    """Optax's Adam and its clipping mix dtypes, scikit-learn's numbers are float64 here."""
    with jax.numpy_rank_promotion("raise"):
        yield


@pytest.fixture(scope="module")
def config():
    return Config(**TINY)


@pytest.fixture(scope="module")
def digits(config):
    return example.load(config)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("run") / "new"


@pytest.fixture(scope="module")
def finished(strict, folder):
    """A tiny run, whose compiled programs serve the other tests."""
    looked_at = ("tune_by_grid", "table", "make_update", "make_scores")
    return finish(example, command(out=folder, **TINY), *looked_at)


def test_a_run_prints_three_rows_a_verdict_of_each_part_and_leaves_a_figure(finished, folder):
    costs = {"start": 0, "grid": 8, "gradient": round(6 * example.GRADIENT_COST)}
    for name, cost in costs.items():
        (line,) = [line for line in finished.printed.splitlines() if line.startswith(name)]
        assert line.count("±") == 3
        assert int(line.split()[4]) == cost
    for part in ("validation", "test"):
        assert f"\n{part} loss, gradient minus grid: " in finished.printed
    assert (folder / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_a_colour_means_the_same_schedule_in_both_panels(finished):
    left, right = map(colors, finished.figures[0].axes)
    assert left["gradient"] == right["gradient, before each update"]
    assert left["grid"] == right["grid, its best cell"]
    curves = [line.get_ydata() for line in finished.figures[0].axes[0].lines]
    assert all(np.nanmin(curve) > 0 for curve in curves)  # a rate of 0 has no place on its axis


@pytest.fixture(scope="module")
def double(strict, config):
    """Loss and gradient in double: of three runs, checkpointed and not, and by differences."""
    with jax.enable_x64(True):
        digits = jax.tree.map(
            lambda x: x.astype(jnp.float64) if x.dtype == jnp.float32 else x,
            example.load(config),
        )
        keys = jax.random.split(jax.random.key(3), 3)
        hyper = jax.tree.map(lambda x: x.astype(jnp.float64), example.make_hyper(**HYPER))
        gradient = jax.jit(example.make_gradient(config, digits))
        plain = jax.jit(example.make_gradient(config, digits, checkpoint=False))
        moved = {}
        for name in Hyper._fields:
            ends = [hyper._replace(**{name: getattr(hyper, name) + d}) for d in (-1e-5, 1e-5)]
            low, high = (gradient(end, keys)[0] for end in ends)
            moved[name] = np.asarray((high - low) / 2e-5)
        found = gradient(hyper, keys), plain(hyper, keys)
        return *jax.tree.map(np.asarray, found), moved


class TestGradient:
    @pytest.mark.parametrize("name", Hyper._fields)
    def test_it_is_that_of_central_differences(self, double, name):
        (_, grads), _, moved = double
        assert np.abs(moved[name]).min() > 1e-6  # not of something that has no effect
        np.testing.assert_allclose(getattr(grads, name), moved[name], rtol=1e-5, atol=1e-9)

    def test_checkpoints_change_nothing(self, double):
        (losses, grads), (plain_losses, plain_grads), _ = double
        np.testing.assert_allclose(losses, plain_losses, rtol=1e-12)
        for ours, plain in zip(grads, plain_grads, strict=True):
            np.testing.assert_allclose(ours, plain, rtol=1e-9)

    def test_one_that_explodes_does_not_move_the_point_out_of_reach(
        self, config, digits, finished, monkeypatch
    ):
        _, compiled = finished.calls["make_update"]
        monkeypatch.setattr(example, "make_update", lambda *_: compiled)
        wild = example.make_hyper(1e4, 1e4, 0.1)
        hyper, path = example.tune_by_gradient(config, digits, wild, jax.random.key(0))
        assert np.isfinite(np.array(hyper)).all()
        assert len(path) == config.updates
        most = 1.1 * config.updates * config.outer_rate  # an update of Adam is about its rate
        assert np.abs(np.array(hyper) - np.array(wild)).max() < most


class TestTuning:
    def test_the_gradient_lowers_the_loss_it_follows(self, finished):
        (_, _, scores), _ = finished.calls["table"]  # on fresh seeds: others than it was tuned on
        before, after = (scores[name][:, 0].mean() for name in ("start", "gradient"))
        assert after < before

    def test_the_grids_best_is_the_lowest_of_cells_computed_one_by_one(self, config, finished):
        (_, _, key), (best, lowest) = finished.calls["tune_by_grid"]
        _, scores = finished.calls["make_scores"]
        keys = jax.random.split(key, config.runs)
        filled = keys[np.arange(config.fresh) % config.runs]  # as many as `scores` takes
        cells = {}
        for peak in (0.01, 1.0):
            for end in (1e-4, 0.1):
                losses = np.asarray(scores(example.make_hyper(peak, end, 0.01), filled)[:, 0])
                cells[peak, end] = losses[: config.runs].mean()
        peak, end = min(cells, key=lambda cell: cells[cell])
        np.testing.assert_allclose(np.exp([best.log_peak, best.log_end]), [peak, end], rtol=1e-5)
        assert lowest == pytest.approx(min(cells.values()), rel=1e-4)

    @pytest.mark.parametrize(
        ("shift", "words"),
        [(-1.0, "the gradient won"), (1.0, "the grid won"), (0.0, "too close to tell who won")],
    )
    def test_the_verdict_follows_the_numbers(self, shift, words):
        noise = np.random.default_rng(0).normal(size=(2, 50, 3))
        noise[0] -= noise[0].mean(0) - noise[1].mean(0)
        lines = example.verdict({"gradient": noise[0] + shift, "grid": noise[1]}).splitlines()
        assert [line.rpartition(": ")[2] for line in lines] == [words, words]


def test_a_schedule_of_a_whole_warmup_is_warmup_cosine():
    ours = example.make_schedule(example.make_hyper(0.3, 0.002, 0.2), 50)
    steps = np.arange(0, 60, 5)
    expected = anneal.warmup_cosine(0.3, 10, 50, end_value=0.002)(steps)
    np.testing.assert_allclose(ours(steps), expected, rtol=2e-5)


def test_parts_share_no_digit_and_every_class_is_in_all(digits):
    seen = [{image.tobytes() for image in np.asarray(images)} for images, _ in digits]
    assert [len(images) for images, _ in digits] == [539, 539, 719]
    assert not seen[0] & seen[1]
    assert not seen[2] & (seen[0] | seen[1])
    assert all(len(np.unique(labels)) == 10 for _, labels in digits)


class TestBadInput:
    @pytest.fixture
    def rejected(self, capsys, tmp_path):
        def run(**options):
            printed = refusal(main, command(out=tmp_path / "out", **TINY | options), capsys)
            assert not (tmp_path / "out").exists()
            return printed

        return run

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("steps", 1),
            ("fresh", 1),
            ("seed", -1),
            ("runs", 0),
            ("updates", 0),
            ("grid_ends", 0),
            ("batch_size", 0),
            ("batch_size", 540),
            ("start_peak", 0.0),
            ("start_warmup", 0.5),
            ("outer_rate", "nan"),
            ("outer_b1", 1.0),
            ("clip", "inf"),
        ],
    )
    def test_a_number_out_of_range(self, rejected, option, value):
        printed = rejected(**{option: value})
        assert f"--{option.replace('_', '-')} must be" in printed
        assert f"got {value}; " in printed

    def test_a_misspelt_option(self, rejected):
        assert "did you mean --updates?\n" in rejected(update=3)

    def test_an_output_folder_that_is_a_file(self, capsys, tmp_path):
        (tmp_path / "taken").touch()
        printed = refusal(main, command(out=tmp_path / "taken", **TINY), capsys)
        assert "--out must be a folder" in printed
