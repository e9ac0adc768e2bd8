# pyright: reportUnnecessaryTypeIgnoreComment=error
"""What must not pass: each line is an error to pyright, excused here by its rule. Nothing is run.

An excuse that is not needed is an error too, so whatever comes to be accepted shows.
"""

import optax

import anneal_jax as anneal

linear = anneal.Linear(1.0, 0.0, 10)


def numbers_are_no_text() -> None:
    anneal.warmup_cosine("3e-4", 1, 2)  # pyright: ignore[reportArgumentType]
    anneal.warmup_cosine(3e-4, "5%", 100)  # pyright: ignore[reportArgumentType]
    anneal.warmup_cosine(3e-4, 5, object())  # pyright: ignore[reportArgumentType]
    anneal.warmup_cosine(None, 5, 100)  # pyright: ignore[reportArgumentType]
    anneal.warmup_linear(3e-4, 5, 100, end_value="0")  # pyright: ignore[reportArgumentType]
    anneal.cosine_restarts(1.0, "100")  # pyright: ignore[reportArgumentType]
    anneal.noam("512", 4000)  # pyright: ignore[reportArgumentType]
    anneal.Linear("1.0", 0.0, 10)  # pyright: ignore[reportArgumentType]
    anneal.Linear(1.0, 0.0, "10")  # pyright: ignore[reportArgumentType]
    anneal.Constant([0.1, 0.2])  # pyright: ignore[reportArgumentType]


def lengths_are_whole() -> None:
    anneal.warmup_cosine(3e-4, 0.05, 100)  # pyright: ignore[reportArgumentType]
    anneal.warmup_multi_step(0.1, 5, [30.5], [0.1])  # pyright: ignore[reportArgumentType]
    anneal.Cosine(1.0, 0.0, 9.5)  # pyright: ignore[reportArgumentType]
    linear.shift(0.5)  # pyright: ignore[reportArgumentType]
    linear.until(9.5)  # pyright: ignore[reportArgumentType]


def arguments_are_there_and_known() -> None:
    anneal.Linear(1.0, 0.0)  # pyright: ignore[reportCallIssue]
    anneal.warmup_cosine(3e-4, 5)  # pyright: ignore[reportCallIssue]
    anneal.warmup_cosine(3e-4, 5, 100, end_values=0.0)  # pyright: ignore[reportCallIssue]
    anneal.Horizon()  # pyright: ignore[reportCallIssue]


def options_are_given_by_name() -> None:
    anneal.warmup_linear(3e-4, 5, 100, 0.0)  # pyright: ignore[reportCallIssue]
    anneal.warmup_cosine(3e-4, 5, 100, 0.0, 1e-5)  # pyright: ignore[reportCallIssue]
    anneal.warmup_stable_decay(3e-4, 5, 10, 100, 0.0)  # pyright: ignore[reportCallIssue]
    anneal.one_cycle(1.0, 100, 0.3)  # pyright: ignore[reportCallIssue]
    anneal.flat_cosine(1.0, 72, 100, 0.0)  # pyright: ignore[reportCallIssue]
    anneal.average_params("ema", 0.99)  # pyright: ignore[reportCallIssue]


def composition_takes_schedules() -> None:
    anneal.join([linear, 0.1])  # pyright: ignore[reportArgumentType]
    anneal.join(linear)  # pyright: ignore[reportArgumentType]
    anneal.join([linear, linear], boundaries=10)  # pyright: ignore[reportArgumentType]
    anneal.join([linear, linear], boundaries=["10"])  # pyright: ignore[reportArgumentType]
    linear.then(0.1)  # pyright: ignore[reportArgumentType]
    linear.repeat("3")  # pyright: ignore[reportArgumentType]
    linear.clip("0", 1.0)  # pyright: ignore[reportArgumentType]
    linear.stretch("2")  # pyright: ignore[reportArgumentType]
    _ = linear + "0.1"  # pyright: ignore[reportOperatorIssue]
    anneal.with_cooldown(0.1, 80, 20)  # pyright: ignore[reportArgumentType]
    linear.value = 3.0  # pyright: ignore[reportAttributeAccessIssue]


def steps_are_integers() -> None:
    linear("3")  # pyright: ignore[reportArgumentType]
    linear.cycle(None)  # pyright: ignore[reportArgumentType]


def kinds_are_listed() -> None:
    anneal.average_params("mean")  # pyright: ignore[reportArgumentType]
    anneal.Triangular(0.1, 1.0, 10, mode="triangle")  # pyright: ignore[reportArgumentType]
    anneal.one_cycle(1.0, 100, shape="cosine")  # pyright: ignore[reportArgumentType]


def units_are_text_and_sizes_whole() -> None:
    anneal.Horizon(total=[3])  # pyright: ignore[reportArgumentType]
    anneal.Horizon(total="3ep", batch_size="256")  # pyright: ignore[reportArgumentType]
    anneal.Horizon(total="3ep", examples_per_epoch=5e4)  # pyright: ignore[reportArgumentType]
    anneal.Horizon(total=10)(["5%"])  # pyright: ignore[reportArgumentType]


def arguments_are_those_of_the_optimizer() -> None:
    adamw = anneal.inject_hyperparams(optax.adamw)
    adamw(lerning_rate=1e-3)  # pyright: ignore[reportCallIssue]
    adamw(linear, weight_dacay=0.1)  # pyright: ignore[reportCallIssue]
    adamw(linear, b1=linear, beta2=0.9)  # pyright: ignore[reportCallIssue]
    adamw(learning_rate="3e-4")  # pyright: ignore[reportCallIssue, reportArgumentType]
    anneal.inject_hyperparams(optax.adamw(1e-3))  # pyright: ignore[reportArgumentType]
    anneal.inject_hyperparams(1e-3)  # pyright: ignore[reportArgumentType]
    anneal.resume((), (), plans="code")  # pyright: ignore[reportArgumentType]


def transformations_take_schedules() -> None:
    anneal.scale_by_learning_rate("3e-4")  # pyright: ignore[reportArgumentType]
    anneal.snapshots(linear, keep="3")  # pyright: ignore[reportArgumentType]
    anneal.reduce_on_plateau(patience="3")  # pyright: ignore[reportArgumentType]
    anneal.accumulate(optax.sgd(0.1), every="4")  # pyright: ignore[reportArgumentType]
    anneal.accumulate(0.1, every=4)  # pyright: ignore[reportArgumentType]


def names_are_those_that_there_are() -> None:
    anneal.warmup_cosin(1e-3, 10, 100)  # pyright: ignore[reportAttributeAccessIssue]
    anneal.ports.torhc.StepLR(0.1, 3)  # pyright: ignore[reportAttributeAccessIssue]
