"""A traced JAX program as a flat list of operations: calls inlined, nothing computed twice.

Programs are traced with 64-bit types, for a number of JavaScript is a float64. So what a schedule
keeps in double, the numbers typed into the page, stays in double.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import numpy as np

_CALLS = {"jit": "jaxpr", "custom_jvp_call": "call_jaxpr"}  # derivatives play no part here
_LONGER = {"broadcast_in_dim", "concatenate", "pad", "scatter", "stack"}  # results than inputs
_SAME_NUMBERS = {"reshape", "squeeze", "broadcast_in_dim", "stop_gradient", "copy"}


class Op(NamedTuple):
    """One operation on earlier ones. An array of one number counts as that number."""

    primitive: str  # "input": an argument of the program; "const": a known array
    inputs: tuple["Ref", ...]
    params: dict[str, Any]
    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))


Ref: TypeAlias = int | np.generic  # the place of an operation in the list, or a known number


class Program(NamedTuple):
    """Operations in the order of their use, and which of them are the results."""

    ops: list[Op]
    outputs: list[Ref]
    arguments: int  # the first so many operations are the arguments


def traced(function: Callable[..., Sequence[Any]], dtypes: Sequence[Any]) -> Program:
    """The program of a function from scalars of these dtypes to a list of scalars and arrays."""
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        arguments = [jax.ShapeDtypeStruct((), dtype) for dtype in dtypes]
        closed = jax.make_jaxpr(function)(*arguments)
        return _Flattener(len(dtypes)).program(closed)


class _Flattener:
    def __init__(self, arguments: int):
        self.ops: list[Op] = []
        self.known: dict[Any, Ref] = {}  # what was computed already, by what it is
        self.arguments = arguments

    def program(self, closed: Any) -> Program:
        inputs: list[Ref] = [
            self._add(Op("input", (), {"at": i}, (), v.aval.dtype))
            for i, v in enumerate(closed.jaxpr.invars)
        ]
        return Program(self.ops, self._run(closed, inputs), self.arguments)

    def _run(self, closed: Any, inputs: list[Ref]) -> list[Ref]:
        jaxpr = closed.jaxpr
        env: dict[Any, Ref] = dict(zip(jaxpr.invars, inputs, strict=True))
        for variable, value in zip(jaxpr.constvars, closed.consts, strict=True):
            env[variable] = self._const(np.asarray(value))

        def read(variable: Any) -> Ref:
            literal = hasattr(variable, "val")
            return (
                self._const(np.asarray(variable.val, variable.aval.dtype))
                if literal
                else env[variable]
            )

        for eqn in jaxpr.eqns:
            given = [read(v) for v in eqn.invars]
            inner = _CALLS.get(eqn.primitive.name)
            if inner is None:
                (variable,) = eqn.outvars
                env[variable] = self._operation(eqn, given, variable.aval)
            else:
                results = self._run(eqn.params[inner], given)
                env.update(zip(eqn.outvars, results, strict=True))
        return [read(v) for v in jaxpr.outvars]

    def _operation(self, eqn: Any, given: list[Ref], aval: Any) -> Ref:
        name, shape = eqn.primitive.name, aval.shape
        key = jax.dtypes.issubdtype(aval.dtype, jax.dtypes.prng_key)  # pyright: ignore
        dtype = np.dtype(np.uint32) if key else aval.dtype
        same = name == "convert_element_type" and dtype == self._dtype(given[0])
        if same or (name in _SAME_NUMBERS and np.prod(shape) == self._size(given[0])):
            return given[0]  # all arrays lie flat
        shapes = tuple(v.aval.shape for v in eqn.invars)
        if name not in _LONGER:
            filled = [self._filled(r, s, shape) for r, s in zip(given, shapes, strict=True)]
            changed = zip(given, filled, shapes, strict=True)
            given, shapes = filled, tuple(s if r is f else shape for r, f, s in changed)
        return self._add(Op(name, tuple(given), eqn.params | {"shapes": shapes}, shape, dtype))

    def _filled(self, ref: Ref, shape: tuple[int, ...], wanted: tuple[int, ...]) -> Ref:
        """What stands for each number of the result: axes of length 1 serve all of another's."""
        if not 1 < self._size(ref) < np.prod(wanted):
            return ref
        params = {"broadcast_dimensions": tuple(range(len(wanted))), "shapes": (shape,)}
        return self._add(Op("broadcast_in_dim", (ref,), params, wanted, self._dtype(ref)))

    def _const(self, value: np.ndarray) -> Ref:
        if value.size == 1:
            return value.dtype.type(value.item())
        return self._add(Op("const", (), {"value": value.tolist()}, value.shape, value.dtype))

    def _add(self, op: Op) -> int:
        said = [(r, str(r.dtype)) if isinstance(r, np.generic) else r for r in op.inputs]
        key = (op.primitive, str(said), str(op.params), op.shape, op.dtype)
        if key not in self.known:
            self.known[key] = len(self.ops)
            self.ops.append(op)
        found = self.known[key]
        assert isinstance(found, int)
        return found

    def _dtype(self, ref: Ref) -> Any:
        return ref.dtype if isinstance(ref, np.generic) else self.ops[ref].dtype

    def _size(self, ref: Ref) -> int:
        return 1 if isinstance(ref, np.generic) else self.ops[ref].size
