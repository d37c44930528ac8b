"""The train step's shared path against the plain formula of the paper, on the real networks and losses."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bilevel_jax.bilevel import (
    BilevelProblem,
    dynamic_aggregate,
    next_weights,
    outer_gradient,
    reduce_loss,
    weights_known,
)
from bilevel_jax.compilation import compiler_options
from bilevel_jax.training.config import default_config
from bilevel_jax.training.estimators import estimator_factory
from bilevel_jax.training.jitted_steps import make_steps
from bilevel_jax.training.networks import networks_from_config
from bilevel_jax.training.prepared_batch import prepare
from bilevel_jax.training.problem import problem_from_config
from bilevel_jax.training.state import Optimizers, initial_state
from bilevel_jax.training.step import inner_step, outer_step, present_tasks

SIZE, BATCH = 32, 2
CLASSES, LABELS = ("person", "bicycle", "car"), tuple("abcdefghi")


def host_batch(seed, labelled=True):
    rng = np.random.default_rng(seed)
    image = lambda c, dtype: rng.integers(0, np.iinfo(dtype).max, (BATCH, SIZE, SIZE, c), dtype=dtype, endpoint=True)
    return {
        "ir": image(1, np.uint16),
        "vis": image(3, np.uint8),
        "saliency": image(1, np.uint8),
        "labels": rng.integers(0, 9, (BATCH, SIZE, SIZE)).astype(np.int32),
        "boxes": np.array([[[4, 4, 24, 20], [0, 0, 0, 0]], [[8, 2, 28, 30], [2, 3, 12, 15]]], np.float32),
        "classes": np.array([[0, -1], [2, 1]], np.int32),
        "has_labels": np.full(BATCH, labelled),
        "has_boxes": np.full(BATCH, labelled),
    }


def setup(task, **bilevel):
    config = default_config()
    config.data.crop = (SIZE, SIZE)
    config.semantic.task = task
    config.semantic.depth = 10
    config.semantic.width = 8
    config.semantic.channels = 8
    config.semantic.head_convs = 1
    config.bilevel.update(bilevel)
    networks = networks_from_config(config, CLASSES, LABELS)
    optimizers = Optimizers(config, num_tasks=1 if task == "none" else 2)
    return config, networks, optimizers, initial_state(config, networks, optimizers)


def plain_gradients(config, problem, state, outer_batch, inner_batch):
    """g_k = F_w - rho f_w, rho = c <F_v, f_v> / (|f_v|^2 + delta |F_v|^2), by explicit jax.grad over (w, v_k)."""
    dot = lambda a, b: sum(jnp.vdot(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))
    gradients = []
    for name, task in problem.tasks.items():

        def upper(w, v, task=task, name=name):
            return reduce_loss(
                task.outer_loss(problem.forward(w, outer_batch), {**state.inner_params, name: v}, outer_batch)
            )[0]

        def lower(w, v, task=task):
            return reduce_loss(task.inner_loss(problem.forward(w, inner_batch), v, inner_batch))[0]

        at = state.outer_params, state.inner_params[name]
        upper_w, upper_v = jax.grad(upper, argnums=(0, 1))(*at)
        lower_w, lower_v = jax.grad(lower, argnums=(0, 1))(*at)
        damping = config.bilevel.relative_damping * dot(upper_v, upper_v)
        rho = config.bilevel.correction * dot(upper_v, lower_v) / (dot(lower_v, lower_v) + damping)
        gradients.append(jax.tree.map(lambda F, f, rho=rho: F - rho * f, upper_w, lower_w))
    return gradients


def in_float64(tree):
    return jax.tree.map(lambda leaf: leaf.astype(jnp.float64) if leaf.dtype == jnp.float32 else leaf, tree)


@pytest.mark.parametrize("task", ["none", pytest.param("segmentation", marks=pytest.mark.slow), "detection"])
def test_shared_path_equals_the_plain_formula_for_every_weighting(task):
    # In float32 a ReLU within rounding of 0 has one gradient or the other, and two ways to one gradient differ by 3e-5.
    with jax.enable_x64(True):
        config, networks, _, state = setup(task, correction=1.0, relative_damping=0.5)
        problem = problem_from_config(config, networks)
        state = in_float64(state)
        outer_batch = in_float64(prepare(host_batch(0), jax.random.PRNGKey(1)))
        inner_batch = in_float64(prepare(host_batch(1), jax.random.PRNGKey(2)))

        @jax.jit
        def both(state, weights):
            shared = lambda w: outer_gradient(
                problem, state.outer_params, state.inner_params, outer_batch, inner_batch,
                estimators=estimator_factory(config), weights=w,
            )[0]  # fmt: skip
            return shared(weights), shared(None), plain_gradients(config, problem, state, outer_batch, inner_batch)

        for weighting in ("random", "equal", "mgda"):
            tx = dynamic_aggregate(weighting, num_tasks=len(problem.tasks), seed=3)
            tx_state = tx.init(state.outer_params)
            one_pull, stacked, plain = both(state, next_weights(tx_state))
            plain = jax.tree.map(lambda *gradients: jnp.stack(gradients), *plain)
            expected, state_expected = tx.update(plain, tx_state)
            scale = float(optax.global_norm(expected))
            assert scale > 1e-3
            # The weights stay in float32, so what they weigh agrees to that.
            close = functools.partial(np.testing.assert_allclose, rtol=1e-6, atol=1e-6 * scale)
            jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-9, atol=1e-9 * scale), stacked, plain)
            from_stacked, state_stacked = tx.update(stacked, tx_state)
            jax.tree.map(close, from_stacked, expected)
            weights = state_stacked.weights
            np.testing.assert_allclose(weights, state_expected.weights, rtol=1e-6)
            assert float(jnp.sum(weights)) == pytest.approx(1.0)
            by_hand = jax.tree.map(lambda g, w=weights: jnp.tensordot(w, g, axes=1), plain)
            jax.tree.map(close, from_stacked, by_hand)
            if weights_known(weighting):
                from_known, state_known = tx.update(one_pull, tx_state, weights=next_weights(tx_state))
                jax.tree.map(close, from_known, expected)
                np.testing.assert_allclose(state_known.weights, weights)
                np.testing.assert_allclose(next_weights(state_known), next_weights(state_stacked))


def test_weights_that_follow_from_the_losses_take_one_pull():
    """One outer step with `geometric`: the weights of its own losses, and one backward pass through the network."""
    config, networks, optimizers, state = setup("segmentation", weighting="geometric")
    problem, calls = problem_from_config(config, networks), []

    @jax.custom_vjp
    def counted(params, batch):
        return problem.forward(params, batch)

    def backward(pull, cotangent):
        calls.append(1)
        return pull(cotangent)

    counted.defvjp(lambda *given: jax.vjp(problem.forward, *given), backward)
    noted = BilevelProblem(counted, problem.tasks)
    step = jax.jit(functools.partial(outer_step, config=config, problem=noted, optimizers=optimizers))
    after, metrics = step(state, host_batch(0), host_batch(1))
    assert len(calls) == 1
    losses = np.array([metrics["loss/visual/outer"], metrics["loss/semantic/outer"]])
    expected = np.sqrt(losses.prod()) / losses / 2
    np.testing.assert_allclose([metrics["lambda/visual"], metrics["lambda/semantic"]], expected, rtol=1e-5)
    moved = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), after.outer_params, state.outer_params)
    assert max(jax.tree.leaves(moved)) > 0
    _, metrics = step(state, host_batch(0, labelled=False), host_batch(1))
    assert float(metrics["lambda/semantic"]) == 0 and float(metrics["lambda/visual"]) == pytest.approx(1.0)


def test_inner_step_moves_the_inner_networks_alone_and_lowers_their_losses():
    config, networks, optimizers, state = setup("segmentation")
    problem = problem_from_config(config, networks)
    step = jax.jit(functools.partial(inner_step, config=config, problem=problem, optimizers=optimizers))
    batch, losses, after = host_batch(0), [], state
    for _ in range(12):
        after, metrics = step(after, batch)
        losses.append({name: float(value) for name, value in metrics.items()})
    jax.tree.map(np.testing.assert_array_equal, after.outer_params, state.outer_params)
    assert int(after.step) == 12
    for name in ("loss/visual/inner", "loss/semantic/inner"):
        assert losses[-1][name] < losses[0][name]


def test_outer_step_without_labels_trains_the_visual_task_alone():
    config, networks, optimizers, state = setup("segmentation")
    problem = problem_from_config(config, networks)
    fixed = dict(config=config, problem=problem, optimizers=optimizers)
    step = jax.jit(functools.partial(outer_step, **fixed))
    labelled, metrics = step(state, host_batch(0), host_batch(1))
    assert 0 < float(metrics["lambda/semantic"]) < 1
    unlabelled, metrics = step(state, host_batch(0, labelled=False), host_batch(1))
    assert float(metrics["lambda/semantic"]) == 0.0 and float(metrics["lambda/visual"]) == pytest.approx(1.0)
    for after in (labelled, unlabelled):
        jax.tree.map(np.testing.assert_array_equal, after.inner_params, state.inner_params)
        moved = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), after.outer_params, state.outer_params)
        assert max(jax.tree.leaves(moved)) > 0 and all(np.isfinite(jax.tree.leaves(moved)))


@pytest.mark.parametrize("task", ["segmentation", pytest.param("detection", marks=pytest.mark.slow)])
def test_inner_step_without_labels_leaves_the_semantic_network_and_its_optimizer_alone(task):
    config, networks, optimizers, state = setup(task)
    problem = problem_from_config(config, networks)
    step = jax.jit(functools.partial(inner_step, config=config, problem=problem, optimizers=optimizers))
    labelled, _ = step(state, host_batch(0))  # momentum, which would move it on
    unlabelled, metrics = step(
        labelled, {**host_batch(1, labelled=False), "classes": np.full((BATCH, 2), -1, np.int32)}
    )
    assert float(metrics["loss/semantic/inner"]) == 0.0
    for before, after, moves in ((state, labelled, True), (labelled, unlabelled, False)):
        semantic = before.inner_params["semantic"], after.inner_params["semantic"]
        distance = max(jax.tree.leaves(jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), *semantic)))
        assert (distance > 0) == moves and np.isfinite(distance)
    jax.tree.map(np.testing.assert_array_equal, labelled.inner_state["semantic"], unlabelled.inner_state["semantic"])
    visual = labelled.inner_params["visual"], unlabelled.inner_params["visual"]
    assert max(jax.tree.leaves(jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), *visual))) > 0


@pytest.mark.slow
def test_outer_step_without_any_box_is_the_visual_task_alone():
    config, networks, optimizers, state = setup("detection", correction=1.0, relative_damping=1.0)
    problem = problem_from_config(config, networks)
    step = jax.jit(functools.partial(outer_step, config=config, problem=problem, optimizers=optimizers))
    none = {"classes": np.full((BATCH, 2), -1, np.int32), "boxes": np.zeros((BATCH, 2, 4), np.float32)}
    bare = [{**host_batch(i, labelled=False), **none} for i in (0, 1)]
    after, metrics = step(state, bare[0], bare[1])
    assert float(metrics["lambda/semantic"]) == 0.0 and float(metrics["lambda/visual"]) == pytest.approx(1.0)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(jax.device_get(after.outer_params)))
    # Another detector makes no difference: none of the gradient is the semantic task's.
    other = state.replace(inner_params=state.inner_params | {
        "semantic": jax.tree.map(lambda leaf: 1.5 * leaf + 0.01, state.inner_params["semantic"])})  # fmt: skip
    jax.tree.map(np.testing.assert_array_equal, step(other, bare[0], bare[1])[0].outer_params, after.outer_params)


def test_warm_start_lowers_its_loss():
    config, networks, optimizers, state = setup("none")
    config.visual.target = "bright"  # far from the mean of noise, which is where the tiny network starts
    steps = make_steps(config, networks, optimizers)
    losses = []
    for _ in range(15):
        state, metrics = steps.warm_start(state, {**host_batch(0), "index": np.arange(BATCH)})
        losses.append(float(metrics["loss/warm_start"]))
    assert losses[-1] < 0.95 * losses[0]


def test_a_lowered_step_computes_what_the_step_does():
    config, networks, optimizers, state = setup("none")
    steps = make_steps(config, networks, optimizers)
    batch = {**host_batch(0), "index": np.arange(BATCH)}
    compiled = steps.inner.lower(state, batch).compile()
    copied = jax.tree.map(jnp.copy, state)  # a step takes its state away
    _, metrics = compiled(state, host_batch(0))
    _, expected = steps.inner(copied, batch)
    assert metrics.keys() == expected.keys() and len(expected) > 0
    jax.tree.map(np.testing.assert_array_equal, metrics, expected)


def test_options_of_the_compiler_are_left_to_the_program_that_a_step_is_part_of(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "")  # XLA has read its own; here it says that nobody has chosen a level
    assert compiler_options() == {"xla_backend_optimization_level": 1}
    config, networks, optimizers, state = setup("none")
    shapes = jax.eval_shape(lambda: initial_state(config, networks, optimizers))
    assert jax.tree.map(jnp.shape, state) == jax.tree.map(jnp.shape, shapes)
    steps = make_steps(config, networks, optimizers)
    inside, _ = jax.jit(lambda state, batch: steps.warm_start(state, batch))(state, host_batch(0))
    alone, _ = steps.warm_start(state, host_batch(0))  # last: it takes the state away
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), inside, alone)


def test_a_visual_task_without_any_weight_has_no_part_in_the_weighting():
    config = default_config()
    problem = BilevelProblem(None, {"visual": None, "semantic": None})
    batch = {"has_labels": jnp.array([True, False]), "has_boxes": jnp.array([False, False])}
    assert list(present_tasks(config, problem, batch, None)) == [True, True]
    config.visual.loss, config.visual.l1, config.visual.ssim = "none", 0.0, 0.0
    assert list(present_tasks(config, problem, batch, None)) == [False, True]
    config.visual.halo = 1.0
    assert list(present_tasks(config, problem, batch, None)) == [True, True]
    # A discriminator whose adversarial loss has no weight here, which only the semantic task listens to.
    config.visual.loss, config.visual.halo, config.visual.adversarial = "lsgan", 0.0, 0.0
    assert list(present_tasks(config, problem, batch, None)) == [False, True]
