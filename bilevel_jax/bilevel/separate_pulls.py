"""Reverse mode over several losses that share one forward pass, without 0 * inf.

A pull of some losses through `jax.vjp` sends cotangents of 0 through all others. Where the derivative of another loss
is infinite or NaN, as that of a mean over no labels is, 0 times it is NaN, and the NaN reaches the shared parameters.
Here the program of the losses is cut into parts, one for each set of losses that needs the same values. Every part runs
once, and a pull goes through those parts alone that its losses need.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import JaxprEqn, Literal, Var
from jaxtyping import Array, Bool, Float

from bilevel_jax.bilevel.loss_program import Program, as_function, kind, needed_by, of_equation, program_of

Scalar = Float[Array, ""]
# (cotangents of the losses, None for a loss that is not pulled; which are absent, or None) -> gradients of the leaves
Pull = Callable[[Sequence[Scalar | None], Sequence[Bool[Array, ""]] | None], list[Array]]
LOOKED_AT = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)
Use = tuple[int, int]  # the number of an equation, and that of its operand


class Part(NamedTuple):
    """What one set of losses needs and no other loss does."""

    losses: frozenset[int]
    equations: list[int]  # their numbers in the program


class Ran(NamedTuple):
    """A part that ran, to be pulled through."""

    losses: frozenset[int]
    uses: list[tuple[Use, Var]]  # the operands that it took from elsewhere, one for each use
    outputs: list[Var]
    values: list[Array]  # of the outputs
    vjp: Callable[[list[Array]], tuple[Array, ...]]


def losses_and_pull(
    function: Callable[..., tuple[Float[Array, " k"], Sequence[Array]]], leaves: Sequence[Array]
) -> tuple[Float[Array, " k"], list[Any], Pull]:
    """Runs the losses once.

    Args:
      function: (leaves) -> (losses [K], arrays of aux).
      leaves: the arrays that the losses are differentiated by.

    Returns:
      (losses, aux, pull). A pull returns the gradients of the sum of cotangent times loss. A loss without a cotangent
      has no part in it. An absent one is replaced by zeros where its own part ends, whatever its cotangent became.
    """
    try:
        program = program_of(function, leaves)
    except LOOKED_AT:
        return _joint(function, leaves)
    known: dict[Var, Any] = dict(zip(program.inputs, leaves, strict=True)) | program.constants
    moving = _moving(program)
    parts = _parts(program)
    read = _read_elsewhere(program, parts)
    ran = [one for part in parts if (one := _run(program, part, moving, read, known))]
    losses = [_read(atom, known) for atom in program.losses]

    def pull(cotangents, absent=None):
        found: dict[Var, list[tuple[Use, Array]]] = {}
        for number, (atom, cotangent) in enumerate(zip(program.losses, cotangents, strict=True)):
            if cotangent is not None and isinstance(atom, Var):
                found.setdefault(atom, []).append(((len(program.equations), number), cotangent))
        pulled = {number for number, cotangent in enumerate(cotangents) if cotangent is not None}
        for one in reversed(ran):
            if not one.losses & pulled:
                continue
            backward = one.vjp(
                [_total(found.get(var), value) for var, value in zip(one.outputs, one.values, strict=True)]
            )
            gone = None if absent is None else jnp.all(jnp.stack([absent[number] for number in sorted(one.losses)]))
            for (use, var), cotangent in zip(one.uses, backward, strict=True):
                if gone is not None:
                    cotangent = jnp.where(gone, jnp.zeros((), cotangent.dtype), cotangent)
                found.setdefault(var, []).append((use, cotangent))
        return [_gradient(found.get(var), leaf) for var, leaf in zip(program.inputs, leaves, strict=True)]

    return jnp.stack(losses), [_read(atom, known) for atom in program.aux], pull


def _joint(function: Callable[..., tuple[Array, Sequence[Array]]], leaves: Sequence[Array]) -> tuple[Array, Any, Pull]:
    """The same with one `jax.vjp`, for losses that look at numbers in Python: their program depends on the numbers."""
    losses, vjp, aux = jax.vjp(function, *leaves, has_aux=True)

    def pull(cotangents, absent=None):
        del absent
        zero = jnp.zeros((), losses.dtype)
        return list(vjp(jnp.stack([zero if one is None else one for one in cotangents])))

    return losses, list(aux), pull


def _moving(program: Program) -> set[Var]:
    """The values of a float or complex type that depend on the parameters."""
    moving = {var for var in program.inputs if _is_inexact(var)}
    for equation in program.equations:
        if any(isinstance(atom, Var) and atom in moving for atom in equation.invars):
            moving |= {var for var in equation.outvars if _is_inexact(var)}
    return moving


def _is_inexact(var: Var) -> bool:
    return jnp.issubdtype(kind(var).dtype, jnp.inexact)


def _parts(program: Program) -> list[Part]:
    """The parts in an order in which they can run; what the aux alone needs comes last."""
    needed = needed_by(program)
    wanted = {atom for atom in program.aux if isinstance(atom, Var)}
    numbers: dict[frozenset[int], list[int]] = {}
    for number, equation in reversed(list(enumerate(program.equations))):
        losses = of_equation(equation, needed)
        if losses or equation.effects or any(var in wanted for var in equation.outvars):
            numbers.setdefault(losses, []).append(number)
            if not losses:
                wanted |= {atom for atom in equation.invars if isinstance(atom, Var)}
    # Whatever a value is made of is needed by the same losses and maybe by more.
    ordered = sorted(numbers, key=lambda losses: (-len(losses), sorted(losses)))
    return [Part(losses, numbers[losses][::-1]) for losses in ordered]


def _read_elsewhere(program: Program, parts: Sequence[Part]) -> set[Var]:
    """The values that are results, or that another part than their own reads."""
    home = {
        var: part.losses for part in parts for number in part.equations for var in program.equations[number].outvars
    }
    read = {atom for atom in (*program.losses, *program.aux) if isinstance(atom, Var)}
    for part in parts:
        for number in part.equations:
            operands = program.equations[number].invars
            read |= {atom for atom in operands if isinstance(atom, Var) and home.get(atom) != part.losses}
    return read


def _run(program: Program, part: Part, moving: set[Var], read: set[Var], known: dict[Var, Any]) -> Ran | None:
    """Runs a part, adds its results to what is known, and returns how to pull through it; None where nothing moves."""
    made = {var for number in part.equations for var in program.equations[number].outvars}
    uses: list[tuple[Use, Var]] = []
    inputs: list[Var] = []  # a name of its own for each use of a moving value, so that their cotangents come apart
    still: dict[Var, None] = {}
    equations: list[JaxprEqn] = []
    for number in part.equations:
        operands = list(program.equations[number].invars)
        for place, atom in enumerate(operands):
            if not isinstance(atom, Var) or atom in made:
                continue
            if atom in moving and part.losses:
                uses.append(((number, place), atom))
                inputs.append(Var(atom.aval))
                operands[place] = inputs[-1]
            else:
                still[atom] = None
        equations.append(program.equations[number].replace(invars=operands))
    results = [var for number in part.equations for var in program.equations[number].outvars if var in read]
    moved = [var for var in results if var in moving and part.losses]
    rest = [var for var in results if var not in moved]
    function = as_function([*inputs, *still], equations, [*moved, *rest])
    fixed = [known[var] for var in still]

    def forward(*given):
        found = function(*given, *fixed)
        return found[: len(moved)], found[len(moved) :]

    given = [known[var] for _, var in uses]
    if not given:
        values, others = forward()
    else:
        values, vjp, others = jax.vjp(forward, *given, has_aux=True)
    known |= zip([*moved, *rest], [*values, *others], strict=True)
    return Ran(part.losses, uses, moved, values, vjp) if given else None


def _read(atom: Var | Literal, known: dict[Var, Any]) -> Any:
    return jnp.asarray(atom.val, kind(atom).dtype) if isinstance(atom, Literal) else known[atom]


def _total(found: list[tuple[Use, Array]] | None, value: Array) -> Array:
    """The sum of the cotangents of a value, the last use first, as `jax.vjp` adds them up."""
    if found is None:
        return jnp.zeros_like(value)
    ordered = [cotangent for _, cotangent in sorted(found, key=lambda pair: (-pair[0][0], pair[0][1]))]
    total = ordered[0]
    for cotangent in ordered[1:]:
        total = total + cotangent
    return total


def _gradient(found: list[tuple[Use, Array]] | None, leaf: Array) -> Any:
    if not jnp.issubdtype(jnp.result_type(leaf), jnp.inexact):
        return np.zeros(jnp.shape(leaf), jax.dtypes.float0)
    return _total(found, leaf)
