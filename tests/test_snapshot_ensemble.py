"""The snapshot ensemble keeps its promises, at a size that trains in seconds."""

import jax
import numpy as np
import pytest

import anneal_jax as anneal
from examples import snapshot_ensemble as example
from examples.snapshot_ensemble import (
    CNN,
    Config,
    in_batches,
    load,
    main,
    make_evaluate,
    make_params,
    make_plans,
)
from tests import example_runs

TINY = {
    "seeds": 2,
    "cycles": 3,
    "cycle_epochs": 2,
    "batch_size": 128,
    "channels": 2,
    "progress": False,
}
EPOCH_STEPS = 898 // 128


@pytest.fixture(autouse=True, scope="module")
def strict():
    """Ranks only: Flax's BatchNorm multiplies arrays by Python and NumPy numbers."""
    with jax.numpy_rank_promotion("raise"):
        yield


def command(out, **options):
    """The command line of a tiny run."""
    return example_runs.command(**{"out": out} | TINY | options)


@pytest.fixture
def rejected(capsys, tmp_path):
    def run(**options):
        printed = example_runs.refusal(main, command(tmp_path / "out", **options), capsys)
        assert not (tmp_path / "out").exists()
        return printed

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("run") / "new"


@pytest.fixture(scope="module")
def finished(strict, folder):
    return example_runs.finish(example, command(folder), "run_all")


@pytest.fixture(scope="module")
def outcomes(finished):
    _, found = finished.calls["run_all"]
    return found


class TestRun:
    def test_every_cycle_leaves_a_snapshot_from_its_end(self, outcomes):
        ends = [2 * EPOCH_STEPS * cycle for cycle in (1, 2, 3)]
        for outcome in outcomes["snapshots"]:
            assert outcome.steps == ends
            assert outcome.members.shape == (3, 2)

    def test_the_single_run_is_as_long_and_is_its_own_ensemble(self, outcomes):
        for ours, single in zip(outcomes["snapshots"], outcomes["single"], strict=True):
            assert len(ours.losses) == len(single.losses) == 6 * EPOCH_STEPS
            assert single.steps == [6 * EPOCH_STEPS]
            np.testing.assert_allclose(single.members[0], single.ensemble, rtol=1e-5)

    def test_it_learns_and_seeds_differ(self, outcomes):
        for runs in outcomes.values():
            assert all(outcome.ensemble[0] < 60 for outcome in runs)  # 90: guessing
            assert runs[0].losses[0] != runs[1].losses[0]

    def test_the_first_cycle_of_both_kinds_starts_alike(self, outcomes):
        ours, single = outcomes["snapshots"][0], outcomes["single"][0]
        np.testing.assert_allclose(ours.losses[0], single.losses[0], rtol=1e-5)


def test_it_prints_three_rows_and_leaves_a_figure(finished, folder):
    for row in ("last snapshot", "ensemble of 3", "single cosine"):
        (line,) = (line for line in finished.printed.splitlines() if line.startswith(row))
        assert line.count("±") == 2
    assert (folder / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_a_colour_means_the_same_kind_of_run_in_all_panels(finished):
    rate, loss, error = finished.figures[0].axes
    meant = example_runs.colors(rate)
    assert meant["snapshots"] == meant["one snapshot"] != meant["single"]
    assert [line.get_color() for line in loss.lines] == [meant["snapshots"], meant["single"]]
    shown = [container.lines[0].get_color() for container in error.containers]
    assert shown == 4 * [meant["snapshots"]] + [meant["single"]]  # three, all of them, the single


class TestEvaluate:
    def test_scores_are_those_of_each_members_own_statistics_and_of_mean_probabilities(self):
        config = Config(**TINY)
        train, held_out = load(config)
        model = CNN(config.channels)
        params = [make_params(model, jax.random.key(i), train.images[:1]) for i in (0, 1)]
        members = jax.tree.map(lambda *leaves: np.stack(leaves), *params)
        alone, together = make_evaluate(config, model, train, held_out)(members)

        @jax.jit
        def statistics(p, batch):
            return model.apply({"params": p}, batch, train=True, mutable="batch_stats")[1]

        @jax.jit
        def predict(p, stats):
            return jax.nn.softmax(model.apply({"params": p, **stats}, held_out.images, train=False))

        probabilities = []
        for p in params:
            each = [statistics(p, batch) for batch in in_batches(train.images, 128)]
            stats = jax.tree.map(lambda *leaves: np.mean(leaves, axis=0), *each)
            probabilities.append(np.asarray(predict(p, stats)))
        expected = [*probabilities, np.mean(probabilities, axis=0)]
        for found, rows in zip([*alone, together], expected, strict=True):
            right = rows[np.arange(len(rows)), held_out.labels]
            assert found[1] == pytest.approx(-np.log(right).mean(), rel=1e-4)
            wrong = (rows.argmax(1) != held_out.labels).mean()
            assert found[0] == pytest.approx(100 * wrong, abs=0.12)  # one digit, of a near tie
        assert together[1] < alone[:, 1].mean()  # by convexity of the log-loss


class TestData:
    def test_parts_share_no_digit_and_every_class_is_in_both(self):
        parts = [load(Config(**TINY)), load(Config(**TINY, evaluate="validation"))]
        for train, held_out in parts:
            assert len(np.unique(train.labels)) == len(np.unique(held_out.labels)) == 10
        (train, test), (less, validation) = parts
        images = [{image.tobytes() for image in part.images} for part in (test, less, validation)]
        assert len(train.images) + len(test.images) == 1797
        assert len(less.images) + len(validation.images) == len(train.images)
        assert not images[0] & (images[1] | images[2])  # none of them is there twice
        assert not images[1] & images[2]

    def test_batches_leave_out_what_fills_none(self):
        np.testing.assert_array_equal(in_batches(np.arange(8), 3), [[0, 1, 2], [3, 4, 5]])


def test_both_schedules_end_at_zero_after_the_same_steps():
    (restarts, _, keep), (single, _, one) = make_plans(Config(), 28).values()
    assert restarts.steps == single.steps == 5 * 30 * 28
    assert (keep, one) == (5, 1)
    assert isinstance(single, anneal.Cosine)
    assert np.flatnonzero(restarts.is_restart(np.arange(4200))).tolist() == [840, 1680, 2520, 3360]


class TestBadInput:
    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("seeds", 1),
            ("cycles", 0),
            ("cycle_epochs", 0),
            ("batch_size", 0),
            ("batch_size", 899),
            ("channels", 0),
            ("peak", 0.0),
            ("single_peak", "nan"),
            ("momentum", 1.0),
            ("weight_decay", -0.1),
        ],
    )
    def test_a_number_out_of_range(self, rejected, option, value):
        printed = rejected(**{option: value})
        assert f"--{option.replace('_', '-')} must be" in printed
        assert f"got {value}; " in printed

    def test_a_misspelt_option(self, rejected):
        assert "did you mean --peak?\n" in rejected(peek=0.1)

    def test_an_output_folder_that_is_a_file(self, capsys, tmp_path):
        (tmp_path / "taken").touch()
        printed = example_runs.refusal(main, command(tmp_path / "taken"), capsys)
        assert "--out must be a folder" in printed
