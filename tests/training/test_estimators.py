"""Configured estimators on the real losses against each other; one level against the sum of all losses."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import BilevelProblem, Task, outer_gradient, reduce_loss
from bilevel_jax.images.color import luma
from bilevel_jax.training.config import check_config, default_config
from bilevel_jax.training.estimators import estimator_factory, estimator_names, keys_read
from bilevel_jax.training.networks import networks_from_config
from bilevel_jax.training.prepared_batch import prepare
from bilevel_jax.training.problem import problem_from_config
from bilevel_jax.training.state import Optimizers, initial_state
from bilevel_jax.training.step import inner_step, outer_step, single_level_step

SIZE = 32


def host_batch(seed, repeated=False):
    rng = np.random.default_rng(seed)
    image = lambda channels: rng.integers(0, 255, (2, SIZE, SIZE, channels), dtype=np.uint8)
    batch = {
        "ir": image(1),
        "vis": image(3),
        "saliency": image(1),
        "labels": rng.integers(0, 3, (2, SIZE, SIZE)).astype(np.int32),
        "boxes": np.array([[[4, 4, 24, 20]], [[8, 2, 28, 30]]], np.float32),
        "classes": np.array([[0], [1]], np.int32),
        "has_labels": np.ones(2, bool),
        "has_boxes": np.ones(2, bool),
    }
    return {name: value[[0, 0]] for name, value in batch.items()} if repeated else batch


def setup(task, **changes):
    config = default_config()
    config.data.crop = (SIZE, SIZE)
    config.semantic.task = task
    config.semantic.depth, config.semantic.width, config.semantic.channels = 10, 8, 8
    config.semantic.head_convs = 1
    config.update_from_flattened_dict(changes)
    config = check_config(config)
    networks = networks_from_config(config, ("person", "car"), tuple("abc"))
    optimizers = Optimizers(config, num_tasks=1 if task == "none" else 2)
    return config, problem_from_config(config, networks), optimizers, initial_state(config, networks, optimizers)


def weighted_mean(share, batch):
    """In place of a fusion network, which would take seconds to compile: the infrared image's share of each pixel."""
    return share * batch["ir"] + (1 - share) * luma(batch["vis"])


@functools.cache
def visual_gradient(repeated=False, **bilevel):
    """g of the visual task, as one vector, and its aux."""
    config, problem, _, state = setup("none", **{f"bilevel.{key}": value for key, value in bilevel.items()})
    batches = [prepare(host_batch(seed, repeated), jax.random.PRNGKey(seed)) for seed in (0, 1)]
    problem = problem._replace(forward=weighted_mean)

    @jax.jit
    def gradient(share, inner_params, batches):
        stacked, aux = outer_gradient(problem, share, inner_params, *batches, estimators=estimator_factory(config))
        return stacked.ravel(), aux["visual"]

    return gradient(jnp.full((SIZE, SIZE, 1), 0.3), state.inner_params, batches)


def far(one, other):
    return float(jnp.linalg.norm(one - other) / jnp.linalg.norm(other))


def test_three_ways_through_one_inner_step():
    rate = 2e-3
    exact, _ = visual_gradient(estimator="unrolled", solve_rate=rate)
    plain, aux = visual_gradient(estimator="ignore")
    assert far(plain, exact) > 0.02 and float(aux["correction_ratio"]) == 0  # the step does matter
    for options in (dict(estimator="finite_difference"), dict(estimator="value_function", multiplier=100.0)):
        near, aux = visual_gradient(**options, solve_rate=rate)
        assert far(near - plain, exact - plain) < 0.05 and float(aux["correction_ratio"]) > 0


def test_implicit_estimators_where_damping_or_a_short_step_rules():
    """With a small step a, two terms of the series are 2 a I; with damping 1 / a the solution is a F_v."""
    step = 1e-3
    plain, _ = visual_gradient(estimator="ignore")
    series, aux = visual_gradient(estimator="neumann", solve_rate=step)
    solved, _ = visual_gradient(estimator="conjugate_gradient", damping=1 / step, solve_steps=2)
    assert far((series - plain) / 2, solved - plain) < 0.02 and float(aux["correction_ratio"]) > 0


def test_the_empirical_fisher_matrix_of_equal_examples_is_that_of_one():
    options = dict(correction=1.0, damping=0.01, repeated=True)
    fisher, _ = visual_gradient(estimator="empirical_fisher", **options)
    rank_one, aux = visual_gradient(estimator="one_step", **options)
    assert abs(float(aux["rho"])) > 1e-3 and far(fisher, rank_one) < 1e-4
    assert float(aux["correction_ratio"]) == pytest.approx(
        abs(float(aux["rho"])) * float(aux["mixed_grad_norm"]) / float(aux["outer_grad_norm"]), rel=1e-4
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", estimator_names())
def test_every_estimator_goes_through_the_detector(name):
    changes = {"bilevel.estimator": name}
    if "correction" in keys_read(name):
        changes |= {"bilevel.correction": 1.0, "bilevel.relative_damping": 0.1}
    config, problem, optimizers, state = setup("detection", **changes)
    step = jax.jit(functools.partial(outer_step, config=config, problem=problem, optimizers=optimizers))
    after, metrics = step(state, host_batch(0), host_batch(1))
    moved = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), after.outer_params, state.outer_params)
    assert 0 < max(jax.tree.leaves(moved)) < 1
    # The first call of soba returns F_w alone.
    assert (float(metrics["correction/semantic"]) > 0) == (name not in ("ignore", "soba"))


@pytest.mark.parametrize(
    ("estimator", "options"),
    [("soba", {}), ("nystrom", {"rank": 1}), ("conjugate_gradient", {"warm_start": True})],
)
def test_what_an_estimator_keeps_goes_from_step_to_step(estimator, options):
    """It is in the state, averages over the parts of a batch, and a restart puts it back."""
    keys = {f"bilevel.estimator_options.{name}": value for name, value in options.items()}
    config, problem, optimizers, state = setup("none", accumulate=2, **{"bilevel.estimator": estimator}, **keys)
    problem = problem._replace(forward=weighted_mean)
    share = jnp.full((SIZE, SIZE, 1), 0.3)
    state = state.replace(
        outer_params=share,
        outer_state=(optimizers.aggregate.init(share), optimizers.outer.init(share), state.outer_state[2]),
    )
    step = jax.jit(functools.partial(outer_step, config=config, problem=problem, optimizers=optimizers))
    seen = [state]
    for seed in (0, 2):
        after, metrics = step(seen[-1], host_batch(seed), host_batch(seed + 1))
        assert jax.tree.structure(after) == jax.tree.structure(state) and float(metrics["correction/visual"]) >= 0
        seen.append(after)
    assert float(metrics["correction/visual"]) > 0
    for before, after in itertools.pairwise(seen):
        kept = [jax.tree.leaves(one.outer_state[2]["visual"]) for one in (before, after)]
        assert any(np.any(old != new) for old, new in zip(*kept, strict=True))
        assert all(np.all(np.isfinite(leaf)) for leaf in kept[1])


def test_without_something_to_keep_the_state_is_as_it_was():
    *_, state = setup("none", **{"bilevel.estimator": "one_step", "bilevel.correction": 1.0})
    assert len(state.outer_state) == 2  # checkpoints from before are read


PLAIN = {"name": "sgd", "momentum": 0.0, "weight_decay": 0.0, "learning_rate": 0.1}


def test_one_level_descends_the_sum_of_all_losses():
    rates = {f"{optimizer}.{key}": value for optimizer in ("outer", "inner") for key, value in PLAIN.items()}
    level = {"bilevel.single_level": True, "bilevel.outer_every": 1, "bilevel.weighting": "equal"}
    config, problem, _, state = setup("none", **rates, **level)

    def fit(fused, own, batch):  # in place of a network, as `weighted_mean` is
        wrong = own["gain"] * fused + own["shift"] - batch["labels"][..., None] / 2
        return {"fit": (jnp.sum(wrong**2), wrong.size)}

    task = Task(
        inner_loss=fit, outer_loss=lambda fused, inner_params, batch: fit(fused, inner_params["semantic"], batch)
    )
    problem = BilevelProblem(weighted_mean, {**problem.tasks, "semantic": task})
    optimizers = Optimizers(config, num_tasks=2)
    share, semantic = jnp.full((SIZE, SIZE, 1), 0.3), {"gain": jnp.float32(1.5), "shift": jnp.float32(0.1)}
    state = state.replace(
        outer_params=share,
        outer_state=(optimizers.aggregate.init(share), optimizers.outer.init(share)),
        inner_params={**state.inner_params, "semantic": semantic},
        inner_state={**state.inner_state, "semantic": optimizers.inner.init(semantic)},
    )
    host = host_batch(0)
    batch = prepare(host, jax.random.PRNGKey(0))

    def total(share, semantic):
        fused, params = problem.forward(share, batch), {**state.inner_params, "semantic": semantic}
        return sum(reduce_loss(task.outer_loss(fused, params, batch))[0] for task in problem.tasks.values())

    fixed = dict(config=config, problem=problem, optimizers=optimizers)
    after, _ = jax.jit(functools.partial(single_level_step, **fixed))(state, host)
    by_share, by_semantic = jax.jit(jax.grad(total, argnums=(0, 1)))(share, semantic)
    # The two tasks weigh 1/2 each; of the semantic network's gradient, which one task has alone, nothing is taken off.
    np.testing.assert_allclose((share - after.outer_params) / 0.1, by_share / 2, rtol=1e-3, atol=1e-6)
    moved = jax.tree.map(lambda old, new: (old - new) / 0.1, semantic, after.inner_params["semantic"])
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4), moved, by_semantic)
    assert float(jnp.abs(by_share).max()) > 1e-4 and min(abs(float(v)) for v in by_semantic.values()) > 1e-2
    assert int(after.step) == 1


def test_without_a_discriminator_the_visual_task_is_the_appearance_alone():
    off = {"visual.loss": "none", "visual.adversarial": 0.0, "semantic.adversarial": 0.0}
    config, problem, optimizers, state = setup("none", **off, **{"bilevel.correction": 1.0})
    assert state.inner_params == {}
    fixed = dict(config=config, problem=problem, optimizers=optimizers)
    after, metrics = jax.jit(functools.partial(outer_step, **fixed))(state, host_batch(0), host_batch(1))
    assert {name for name in metrics if name.startswith("term")} == {"term/visual/l1", "term/visual/ssim"}
    terms = sum(float(value) for name, value in metrics.items() if name.startswith("term"))
    assert float(metrics["loss/visual/outer"]) == pytest.approx(terms) and float(metrics["correction/visual"]) == 0
    still, metrics = jax.jit(functools.partial(inner_step, **fixed))(after, host_batch(1))
    assert metrics == {} and int(still.step) == 1


def linear_problem(count):
    """`count` tasks on one small map: one without an inner problem, one that is fixed, and trained ones."""
    rng = np.random.default_rng(count)
    draw = lambda *shape: jnp.asarray(rng.normal(size=shape), jnp.float32)

    def squares(number):
        def loss(fused, params, batch):
            return {"fit": (jnp.sum((fused @ params - batch["target"][:, number]) ** 2), jnp.float32(12))}

        return loss

    tasks = {"look": Task(None, lambda fused, inner_params, batch: jnp.mean(fused**2))}
    for number in range(count - 1):
        outer = lambda fused, inner_params, batch, n=number: squares(n)(fused, inner_params[f"task{n}"], batch)
        tasks[f"task{number}"] = Task(None if number == 0 else squares(number), outer)
    problem = BilevelProblem(lambda params, batch: jnp.tanh(batch["images"] @ params), tasks)
    inner_params = {f"task{number}": draw(3, 2) for number in range(count - 1)}
    batches = [{"images": draw(6, 4), "target": draw(6, 3, 2)} for _ in range(2)]
    return problem, draw(4, 3), inner_params, *batches


@pytest.mark.parametrize("name", estimator_names())
@pytest.mark.parametrize("count", [pytest.param(3, marks=pytest.mark.slow), 4])
def test_every_estimator_gives_a_task_s_hypergradient_whatever_the_others_are(name, count):
    config = default_config()
    config.bilevel.estimator = name
    if "correction" in keys_read(name):
        config.bilevel.update(correction=1.0, relative_damping=0.1)
    problem, *at = linear_problem(count)
    estimators, last = estimator_factory(check_config(config)), f"task{count - 2}"

    @jax.jit
    def gradients(outer_params, inner_params, *batches):
        given = outer_params, inner_params, *batches
        alone = problem._replace(tasks={last: problem.tasks[last]})
        together, single = (outer_gradient(one, *given, estimators=estimators)[0] for one in (problem, alone))
        fixed = lambda w: problem.tasks["task0"].outer_loss(problem.forward(w, batches[0]), inner_params, batches[0])
        return together, single, jax.grad(lambda w: reduce_loss(fixed(w))[0])(outer_params)

    together, single, partial = gradients(*at)
    np.testing.assert_allclose(together[-1], single[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(together[1], partial, rtol=1e-4, atol=1e-5)  # a fixed task: F_w
    assert together.shape == (count, 4, 3) and all(float(jnp.abs(one).max()) > 0 for one in together)
