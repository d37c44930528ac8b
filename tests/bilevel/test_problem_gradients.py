"""The shared path against the plain formula with explicit derivatives in (outer, inner) parameters."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import (
    BilevelProblem,
    dynamic_aggregate,
    inner_gradients,
    next_weights,
    one_step,
    outer_gradient,
    outer_gradient_report,
    reduce_loss,
    trees,
)

OPTIONS = {
    "without correction": dict(correction=0.0),
    "theory": dict(correction=1.0),
    "damped": dict(correction=1.0, damping=0.3),
    "relative": dict(correction=1.0, relative_damping=0.5),
    "as released": dict(correction=-2e-4),
}
SUBSETS = [("visual",), ("semantic",), ("visual", "semantic")]


def plain_formula(problem, name, values, correction=1.0, damping=0.0, relative_damping=0.0):
    """The paper: g_k = F_w - correction rho_k f_w, with jax.grad over both parameters of each loss."""
    outer_params, inner_params, outer_batch, inner_batch = values
    task = problem.tasks[name]

    def outer_loss(w, v):
        return reduce_loss(task.outer_loss(problem.forward(w, outer_batch), {**inner_params, name: v}, outer_batch))[0]

    def inner_loss(w, v):
        return reduce_loss(task.inner_loss(problem.forward(w, inner_batch), v, inner_batch))[0]

    F_w, F_v = jax.grad(outer_loss, argnums=(0, 1))(outer_params, inner_params[name])
    f_w, f_v = jax.grad(inner_loss, argnums=(0, 1))(outer_params, inner_params[name])
    F_v, f_v = (jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(tree)]) for tree in (F_v, f_v))
    rho = F_v @ f_v / (f_v @ f_v + damping + relative_damping * F_v @ F_v)
    return jax.tree.map(lambda a, b: a - correction * rho * b, F_w, f_w), rho


def close(actual, expected, tolerance=1e-5):
    def check(a, b):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(np.max(np.abs(b)), 1e-3))

    jax.tree.map(check, actual, expected)


@pytest.mark.parametrize(
    ("subset", "options"),
    # One task alone goes through two of the options: each case costs two compilations.
    [
        pytest.param(subset, OPTIONS[name], id=f"{'+'.join(subset)}-{name}")
        for subset in SUBSETS
        for name in (OPTIONS if len(subset) == 2 else ("theory", "relative"))
    ],
)
def test_shared_path_is_the_plain_formula(problem, values, subset, options):
    # The other task's inner parameters stay: the semantic task's adversarial term reads the discriminator's.
    problem = BilevelProblem(problem.forward, {name: problem.tasks[name] for name in subset})
    transforms = [dynamic_aggregate(name, num_tasks=len(subset), seed=3) for name in ("equal", "random")]

    @jax.jit
    def both(values):
        estimators = functools.partial(one_step, **options)
        stacked, aux = outer_gradient(problem, *values, estimators=estimators)
        aggregated = []
        for tx in transforms:
            state = tx.init(values[0])
            weights = next_weights(state)
            combined, _ = outer_gradient(problem, *values, estimators=estimators, weights=weights)
            from_stack = tx.update(stacked, state, values[0])
            from_combined = tx.update(combined, state, values[0], weights=weights)
            aggregated.append((weights, combined, from_stack, from_combined))
        plain = {name: plain_formula(problem, name, values, **options) for name in subset}
        return plain, stacked, aux, aggregated

    values = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32 if x.dtype.kind == "f" else None), values)
    plain, stacked, aux, aggregated = both(values)
    for k, name in enumerate(subset):
        close(jax.tree.map(lambda leaf, k=k: leaf[k], stacked), plain[name][0])
        np.testing.assert_allclose(aux[name]["rho"], 0 if options["correction"] == 0 else plain[name][1], rtol=1e-4)
    for weights, combined, (update, after), (same_update, same_after) in aggregated:
        # by name: jit returns a dict in the order of its keys, and weights are in the order of the tasks
        parts = [trees.scaled(weight, plain[name][0]) for weight, name in zip(weights, subset, strict=True)]
        close(combined, jax.tree.map(lambda *leaves: sum(leaves), *parts))
        close(update, combined)
        close(same_update, combined)
        jax.tree.map(np.testing.assert_array_equal, same_after, after)


def test_shared_path_in_float64(problem, values):
    with jax.enable_x64(True):
        values = jax.tree.map(jnp.asarray, values)
        stacked, plain = jax.jit(
            lambda v: (outer_gradient(problem, *v)[0], [plain_formula(problem, name, v)[0] for name in problem.tasks])
        )(values)
        for k, gradient in enumerate(plain):
            close(jax.tree.map(lambda leaf, k=k: leaf[k], stacked), gradient, 1e-12)


def test_one_forward_pass_and_one_pull(problem, values):
    """The cost model, counted: convolutions of the forward function in what is traced."""
    calls = []

    def forward(params, batch):
        calls.append(batch["images"].shape[0])
        return problem.forward(params, batch)

    counted = problem._replace(forward=forward)
    outer_gradient(counted, *values)
    outer_gradient(counted, *values, estimators=functools.partial(one_step, correction=0.0))
    mixed = {"visual": functools.partial(one_step, correction=0.0), "semantic": one_step}
    outer_gradient(counted, *values, estimators=mixed)
    assert calls == [16, 8, 16]  # both batches side by side; the outer one alone where nothing is corrected

    def convolutions(weights):
        jaxpr = jax.make_jaxpr(lambda v: outer_gradient(problem, *v, weights=weights))(values)
        return str(jaxpr).count("conv_general_dilated[")

    # A pull through two convolutions is three more: the first one's input needs no gradient.
    assert convolutions(None) - convolutions(jnp.ones(2)) == 3


def test_an_absent_task_cannot_spoil_the_gradient(problem, values):
    values[3]["labelled"][:] = 0
    values[2]["labelled"][:] = 0
    stacked, aux = outer_gradient(problem, *values)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves((stacked, aux)))
    assert aux["semantic"]["rho"] == 0  # f_v = 0
    values[1]["semantic"]["head"][:] = np.nan
    weighted, _ = outer_gradient(problem, *values, weights=jnp.array([1.0, 0.0]))
    close(weighted, jax.tree.map(lambda leaf: leaf[0], stacked))


def test_inner_gradients_are_each_tasks_own(problem, values):
    outer_params, inner_params, _, batch = jax.tree.map(jnp.asarray, values)
    gradients, aux = inner_gradients(problem, outer_params, inner_params, batch)
    fused = problem.forward(outer_params, batch)
    for name, task in problem.tasks.items():
        loss, gradient = jax.value_and_grad(lambda v, task=task: reduce_loss(task.inner_loss(fused, v, batch))[0])(
            inner_params[name]
        )
        close(gradients[name], gradient, 1e-6)
        np.testing.assert_allclose(aux[name]["inner_loss"], loss, rtol=1e-6)

    def through(params):
        return inner_gradients(problem, params, inner_params, batch)[1]["visual"]["inner_loss"]

    assert all(np.all(leaf == 0) for leaf in jax.tree.leaves(jax.grad(through)(outer_params)))  # u is held constant


def test_report_measures_the_gradients(problem, values):
    stacked, aux = outer_gradient(problem, *values)
    bare, _ = outer_gradient(problem, *values, estimators=functools.partial(one_step, correction=0.0))
    report = outer_gradient_report(problem, *values)
    flat, bare = (
        np.concatenate([np.reshape(leaf, (2, -1)) for leaf in jax.tree.leaves(tree)], axis=1)
        for tree in (stacked, bare)
    )
    lengths = np.linalg.norm(flat, axis=1)
    np.testing.assert_allclose(report["cosines"], flat @ flat.T / np.outer(lengths, lengths), atol=1e-5)
    for k, name in enumerate(problem.tasks):
        np.testing.assert_allclose(report[name]["length_ratio"], lengths[k] / np.linalg.norm(bare[k]), rtol=1e-4)
        np.testing.assert_allclose(report[name]["correction_norm"], np.linalg.norm(flat[k] - bare[k]), rtol=1e-4)
        np.testing.assert_allclose(report[name]["correction_dot"], bare[k] @ (flat[k] - bare[k]), rtol=1e-3)
    np.testing.assert_allclose(aux["visual"]["outer_loss"], sum(aux["visual"]["outer_terms"].values()), rtol=1e-6)


def test_wrong_number_of_weights(problem, values):
    with pytest.raises(ValueError, match="3 weights for 2 tasks"):
        outer_gradient(problem, *values, weights=jnp.ones(3))
