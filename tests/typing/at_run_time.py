"""Builds and traces everything in the tables of cases with the types of every call checked.

`tests/test_types.py` runs this in a process of its own, for jaxtyping's hook rewrites modules as
they are imported. In all tests it would meet bad input before our own one-sentence errors do.
"""

import jax
import jaxtyping
import optax
from beartype import BeartypeConf, beartype

# PEP 484 has an int pass where a float is wanted, which beartype does when told.
check = beartype(conf=BeartypeConf(is_pep484_tower=True))


def main() -> None:
    jax.config.update("jax_platforms", "cpu")
    with jaxtyping.install_import_hook("anneal_jax", "__main__.check"):
        import anneal_jax as anneal
        from tests.stateful import RATE, STATEFUL, problem
        from tests.table import CASES

    wrong = {"the hook is not in force": "an int passes where an array belongs"}
    try:
        anneal.Constant(1.0).value_at(0)  # pyright: ignore[reportArgumentType]
    except jaxtyping.TypeCheckError:
        wrong.clear()

    for case in CASES:
        try:
            case.schedule()
            jax.eval_shape(lambda numbers, c=case: c.build(**numbers)([0, 1]), case.numbers)
        except jaxtyping.TypeCheckError as error:
            wrong[case.name] = str(error)

    params, _ = problem()
    for name, build in STATEFUL.items():
        try:
            tx = optax.with_extra_args_support(build(RATE))
            jax.eval_shape(lambda p, t=tx: t.update(p, t.init(p), p, value=p["spare"][0]), params)
        except jaxtyping.TypeCheckError as error:
            wrong[name] = str(error)
    raise SystemExit("\n\n".join(f"{k}: {v}" for k, v in wrong.items()) or 0)


if __name__ == "__main__":
    main()
