"""The program of several losses: its equations, which losses need each of them, and one output for each loss."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var, jaxpr_as_fun
from jaxtyping import Array

Atom = Var | Literal
CALLS = ("jit", "pjit", "closed_call", "core_call")  # what may be written out in place of a call
# Functions of each element alone: element k of the result is the function of the operands' elements k.
ELEMENTWISE = (
    "abs add add_any clamp convert_element_type copy copy_p cos div eq exp exp2 expm1 ge gt integer_pow is_finite le "
    "log log1p logistic lt max min mul ne neg pow rsqrt select_n sign sin sqrt square stop_gradient sub tanh"
).split()


class Program(NamedTuple):
    """Equations in their order, from the leaves of the parameters to the losses and to the aux."""

    inputs: list[Var]  # the leaves of the parameters
    constants: dict[Var, Any]
    equations: list[JaxprEqn]
    losses: list[Atom]  # one for each loss
    aux: list[Atom]


def program_of(function: Callable[..., tuple[Array, Sequence[Array]]], leaves: Sequence[Array]) -> Program:
    """The program of a function (leaves) -> (losses [K], arrays of aux), with one scalar output for each loss.

    A vector of losses is taken apart as far back as its elements are made one by one, as by `jnp.stack` or by the
    division of K sums by K numbers of labels.
    """
    closed = jax.make_jaxpr(lambda *given: function(*given))(*leaves)
    whole = _program(closed, 1)
    vector = whole.losses[0]
    while call := _call_that_makes(vector, whole.equations):
        whole = _written_out(whole, call)
        vector = whole.losses[0]

    def one_by_one(*given):
        known = dict(zip(whole.inputs, given, strict=True)) | whole.constants
        made = [var for equation in whole.equations for var in equation.outvars]
        known |= zip(made, as_function(list(known), whole.equations, made)(*known.values()), strict=True)
        return _elements(vector, whole.equations, known), [_value(atom, known) for atom in whole.aux]

    program = _program(jax.make_jaxpr(one_by_one)(*leaves), kind(vector).shape[0])
    while call := next((e for e in program.equations if _is_call(e) and _splits(e, needed_by(program))), None):
        program = _written_out(program, call)
    return program


def kind(atom: Atom) -> Any:
    """The shape and the type of a value."""
    return atom.aval


def needed_by(program: Program) -> dict[Var, frozenset[int]]:
    """Which losses need each value, by number; a value that none needs is left out."""
    needed: dict[Var, frozenset[int]] = {}
    for number, atom in enumerate(program.losses):
        if isinstance(atom, Var):
            needed[atom] = needed.get(atom, frozenset()) | {number}
    for equation in reversed(program.equations):
        losses = of_equation(equation, needed)
        for atom in equation.invars:
            if losses and isinstance(atom, Var):
                needed[atom] = needed.get(atom, frozenset()) | losses
    return needed


def of_equation(equation: JaxprEqn, needed: dict[Var, frozenset[int]]) -> frozenset[int]:
    """Which losses need any result of an equation."""
    return frozenset().union(*(needed.get(var, frozenset()) for var in equation.outvars))


def as_function(
    inputs: Sequence[Var], equations: Sequence[JaxprEqn], outputs: Sequence[Atom]
) -> Callable[..., list[Any]]:
    """Some equations as a function of their inputs."""
    return jaxpr_as_fun(ClosedJaxpr(Jaxpr((), list(inputs), list(outputs), list(equations)), ()))


def _program(closed: ClosedJaxpr, number: int) -> Program:
    jaxpr = closed.jaxpr
    constants = dict(zip(jaxpr.constvars, closed.consts, strict=True))
    return Program(jaxpr.invars, constants, list(jaxpr.eqns), jaxpr.outvars[:number], jaxpr.outvars[number:])


def _is_call(equation: JaxprEqn) -> bool:
    return equation.primitive.name in CALLS


def _splits(equation: JaxprEqn, needed: dict[Var, frozenset[int]]) -> bool:
    """Whether the results of a call belong to different losses."""
    return len({needed[var] for var in equation.outvars if var in needed}) > 1


def _written_out(program: Program, call: JaxprEqn) -> Program:
    """The program with the equations of a call in place of the call."""
    inner: Any = call.params.get("jaxpr", call.params.get("call_jaxpr"))
    jaxpr, consts = (inner.jaxpr, inner.consts) if isinstance(inner, ClosedJaxpr) else (inner, ())
    # The names inside get new ones: one inner program may be called twice.
    names: dict[Var, Atom] = dict(zip(jaxpr.invars, call.invars, strict=True))
    constants = {Var(var.aval): value for var, value in zip(jaxpr.constvars, consts, strict=True)}
    names |= zip(jaxpr.constvars, constants, strict=True)
    equations = []
    for equation in jaxpr.eqns:
        invars = [_renamed(atom, names) for atom in equation.invars]
        names |= {var: Var(var.aval) for var in equation.outvars}
        equations.append(equation.replace(invars=invars, outvars=[names[var] for var in equation.outvars]))
    outer = {var: _renamed(atom, names) for var, atom in zip(call.outvars, jaxpr.outvars, strict=True)}
    place = next(index for index, equation in enumerate(program.equations) if equation is call)
    after = [e.replace(invars=[_renamed(atom, outer) for atom in e.invars]) for e in program.equations[place + 1 :]]
    return Program(
        program.inputs,
        program.constants | constants,
        [*program.equations[:place], *equations, *after],
        [_renamed(atom, outer) for atom in program.losses],
        [_renamed(atom, outer) for atom in program.aux],
    )


def _renamed(atom: Atom, names: dict[Var, Atom]) -> Atom:
    return names.get(atom, atom) if isinstance(atom, Var) else atom


def _value(atom: Atom, known: dict[Var, Any]) -> Any:
    return known[atom] if isinstance(atom, Var) else jnp.asarray(atom.val, kind(atom).dtype)


def _makers(equations: Sequence[JaxprEqn]) -> dict[Var, JaxprEqn]:
    return {var: equation for equation in equations for var in equation.outvars}


def _call_that_makes(vector: Atom, equations: Sequence[JaxprEqn]) -> JaxprEqn | None:
    """A call among the equations through which a vector is taken apart, or None."""
    makers, waiting = _makers(equations), [vector]
    while waiting:
        atom = waiting.pop()
        maker = makers.get(atom) if isinstance(atom, Var) else None
        if maker is None:
            continue
        if _is_call(maker):
            return maker
        if maker.primitive.name in (*ELEMENTWISE, "concatenate", "broadcast_in_dim", "reshape"):
            waiting += [atom for atom in maker.invars if isinstance(atom, Var) and kind(atom).ndim == 1]
    return None


def _elements(vector: Atom, equations: Sequence[JaxprEqn], known: dict[Var, Any]) -> list[Array]:
    """The elements of a vector, each made without the others where that can be seen."""
    makers = _makers(equations)

    def of(atom: Atom, length: int) -> list[Array]:
        if kind(atom).ndim == 0:
            return [_value(atom, known)] * length
        maker = makers.get(atom) if isinstance(atom, Var) else None
        name = "" if maker is None else maker.primitive.name
        operands = [] if maker is None else maker.invars
        if name == "stack":
            return [_value(operand, known) for operand in operands]
        if name == "concatenate":
            return [element for operand in operands for element in of(operand, kind(operand).shape[0])]
        if name in ("broadcast_in_dim", "reshape") and kind(operands[0]).ndim == 0:
            return of(operands[0], length)
        if maker is not None and name in ELEMENTWISE and all(kind(operand).ndim < 2 for operand in operands):
            rows = zip(*(of(operand, length) for operand in operands), strict=True)
            return [maker.primitive.bind(*row, **maker.params) for row in rows]
        value = _value(atom, known)
        return [jax.lax.index_in_dim(value, number, keepdims=False) for number in range(length)]

    return of(vector, kind(vector).shape[0])
