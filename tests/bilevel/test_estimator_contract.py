"""What every estimator of the registry has to keep: the form of an estimate, and the checks of its options."""

import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bilevel_jax.bilevel import ESTIMATORS, estimator
from bilevel_jax.bilevel.docstrings import arguments

pytestmark = pytest.mark.usefixtures("float64")


SGD = optax.sgd(0.2)


def inner_batch(problem, traits):
    """The problem's inner batch, repeated for each inner step where the estimator takes one batch a step."""
    if not traits.batch_per_step:
        return problem.inner_batch
    return jax.tree.map(lambda a: jnp.stack([a] * traits.example["steps"]), problem.inner_batch)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_form_of_an_estimate(name, regression):
    """With aux as without; gradients shaped as the variables; the state type-stable; jit = no jit; zero gradients."""
    problem, traits = regression, ESTIMATORS[name].traits
    batch = inner_batch(problem, traits)
    arguments = (problem.w, problem.v, problem.outer_batch, batch)
    bare = estimator(name, problem.outer, problem.inner, **traits.example)
    state = bare.init(problem.w, problem.v)
    plain = bare.estimate(*arguments, state)
    told = estimator(
        name,
        lambda *a: (problem.outer(*a), {"told": a[1]}),
        lambda *a: (problem.inner(*a), {"told": a[1]}),
        has_aux=True,
        **traits.example,
    )
    with_aux = jax.jit(told.estimate)(*arguments, state)
    np.testing.assert_allclose(with_aux.outer_grad, plain.outer_grad, rtol=1e-9)
    assert "told" in with_aux.aux["outer_aux"]
    assert plain.outer_grad.shape == problem.w.shape and plain.outer_grad.dtype == problem.w.dtype
    for part in (plain.inner_grad, plain.inner_params):
        assert part is None or part.shape == problem.v.shape
    shapes = functools.partial(jax.tree.map, lambda x: (jnp.shape(x), jnp.asarray(x).dtype))
    assert shapes(plain.state) == shapes(state)
    assert all(jnp.ndim(value) == 0 for value in plain.aux.values())
    flat = estimator(name, lambda *_: 0.0 * problem.outer(*_), lambda *_: 0.0 * problem.inner(*_), **traits.example)
    still = flat.estimate(*arguments, state)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(still)) and np.all(still.outer_grad == 0)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_what_an_estimator_says_it_needs(name, regression):
    """The flags of a made estimator agree with what its estimates hold, and with whether it calls the inner loss."""
    problem, traits = regression, ESTIMATORS[name].traits
    called = []
    made = estimator(name, problem.outer, lambda *a: called.append(1) or problem.inner(*a), **traits.example)
    batch = inner_batch(problem, traits)
    state = made.init(problem.w, problem.v)
    found = jax.eval_shape(made.estimate, problem.w, problem.v, problem.outer_batch, batch, state)
    assert bool(called) == made.needs_inner_loss
    assert found.inner_grad is not None or not made.needs_inner_grad


def test_the_inner_gradient_is_part_of_these_methods():
    def follows(name, **options):
        return estimator(name, None, None, **options).needs_inner_grad

    assert follows("penalty") and follows("moreau_envelope", step_size=0.1)
    assert follows("value_function", step_size=0.1, method="bome") and not follows("value_function", step_size=0.1)
    assert not follows("one_step") and not follows("unrolled", inner_optimizer=SGD, steps=1)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_all_estimators_have_the_same_arguments(name):
    """The signature and the docstring name the losses and the context, which no file writes down."""
    signature = inspect.signature(ESTIMATORS[name])
    assert list(signature.parameters)[:2] == ["outer_loss", "inner_loss"]
    assert list(signature.parameters)[-3:] == ["has_aux", "axis_name", "sharded_outer"]
    assert set(signature.parameters) == set(arguments(ESTIMATORS[name])) and "context" not in signature.parameters
    with pytest.raises(TypeError, match="unexpected keyword argument 'has_axu'"):
        ESTIMATORS[name](None, None, has_axu=True)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("conjugate_gradient", dict(iterations=0), "iterations >= 1"),
        ("neumann", dict(step_size=-1.0), "step_size > 0"),
        ("value_function", dict(step_size=0.1, method="both"), "method in"),
        ("penalty", dict(kind="both"), "kind in"),
        ("penalty", dict(gamma=0.0), "gamma > 0"),
        ("moreau_envelope", dict(step_size=0.1, p=0.7), "0 <= p < 1/2"),
        ("truncated", dict(inner_optimizer=SGD, steps=2, backward_steps=3), "backward_steps <= steps"),
        ("forward", dict(inner_optimizer=SGD, steps=2, axis_name="data", sharded_outer=True), "use unrolled"),
    ],
)
def test_wrong_options(name, options, message):
    with pytest.raises(ValueError, match=message):
        estimator(name, None, None, **options)


def test_batches_for_each_step(regression):
    problem = regression
    made = estimator("unrolled", problem.outer, problem.inner, inner_optimizer=SGD, steps=3)
    with pytest.raises(ValueError, match="leading axis of 3 steps"):
        made.estimate(problem.w, problem.v, problem.outer_batch, problem.inner_batch, made.init(problem.w, problem.v))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_complex_leaves_are_right_or_refused(name, regression):
    """A complex inner variable is refused; a complex outer one has the gradient of its parts, as jax.grad gives it."""
    problem, traits = regression, ESTIMATORS[name].traits
    made = estimator(name, problem.outer, problem.inner, **traits.example)
    if made.needs_inner_loss:
        with pytest.raises(ValueError, match=r"the inner parameter \['v'\] is complex, and .* imaginary parts"):
            made.init(problem.w, {"v": problem.v + 0j})
    else:
        spiral = estimator(name, lambda w, v, batch: w * jnp.abs(v) ** 2, None)
        np.testing.assert_allclose(spiral.estimate(2.0, 3.0 + 4.0j, None, None, ()).outer_grad, 25.0)
    w = problem.w[:2]

    def estimate(w, as_array):
        outer, inner = (
            lambda w, v, batch, loss=loss: loss(jnp.append(as_array(w), 0.1), v, batch) + as_array(w) @ jnp.arange(2.0)
            for loss in (problem.outer, problem.inner)
        )
        made = estimator(name, outer, inner, **traits.example)
        given = w, problem.v, problem.outer_batch, inner_batch(problem, traits)
        return jax.jit(made.estimate)(*given, made.init(*given[:2])).outer_grad

    if traits.forward_mode:
        with pytest.raises(ValueError, match=r"the outer parameter is complex"):
            estimate(w[0] + 1j * w[1], lambda w: jnp.stack([w.real, w.imag]))
        return
    found = estimate(w[0] + 1j * w[1], lambda w: jnp.stack([w.real, w.imag]))
    expected = estimate(w, lambda w: w)
    np.testing.assert_allclose([found.real, -found.imag], expected, rtol=1e-9)
