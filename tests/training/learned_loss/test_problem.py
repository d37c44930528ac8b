"""The learned loss as pure functions: its hypergradient against finite differences in float64, and its estimators."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree

from bilevel_jax.bilevel import ESTIMATORS, BilevelProblem, Task
from bilevel_jax.losses import fusion
from bilevel_jax.losses.segmentation import cross_entropy
from bilevel_jax.training.config import check_config, default_config
from bilevel_jax.training.learned_loss import FORMS
from bilevel_jax.training.learned_loss.problem import learned_loss_problem, learned_terms, shares

SIZE, STEPS, CLASSES = 12, 3, 3
TERMS = {"intensity_max": 1.0, "gradient_max": 0.5, "infrared_l1": 2.0, "visible_l1": 1.0}


class Mixture(nn.Module):
    """A smooth fusion network of 38 parameters."""

    @nn.compact
    def __call__(self, infrared, luminance):
        images = jnp.concatenate([infrared, luminance], axis=-1)
        share = nn.sigmoid(nn.Conv(1, (1, 1), param_dtype=images.dtype)(jnp.tanh(_conv(3, images))))
        return share * infrared + (1 - share) * luminance


def _conv(features, images):
    return nn.Conv(features, (2, 2), param_dtype=images.dtype)(images)


def config_of(form):
    config = default_config()
    config.visual.loss, config.visual.adversarial, config.semantic.adversarial = "none", 0.0, 0.0
    config.visual.l1 = config.visual.ssim = 0.0
    for name, weight in TERMS.items():
        config.visual[name] = weight
    config.learned_loss.form = form
    config.bilevel.estimator, config.bilevel.outer_every = "unrolled", STEPS
    return check_config(config)


def batch_of(seed, dtype):
    rng = np.random.default_rng(seed)
    image = lambda channels: jnp.asarray(rng.random((2, SIZE, SIZE, channels)), dtype)
    batch = {"ir": image(1), "vis": image(3), "saliency": image(1), "mix": jnp.zeros(2, dtype)}
    batch |= {"boxes": jnp.zeros((2, 0, 4), dtype), "classes": jnp.zeros((2, 0), int), "has_boxes": jnp.zeros(2, bool)}
    return batch | {"labels": rng.integers(0, CLASSES, (2, SIZE, SIZE)), "has_labels": jnp.ones(2, bool)}


def of_form(form, dtype=jnp.float32):
    """(losses, loss parameters away from their start, fusion parameters, outer batch, T inner batches)."""
    network, segmenter = Mixture(), nn.Conv(CLASSES, (3, 3), param_dtype=dtype)
    image = jnp.zeros((1, SIZE, SIZE, 1), dtype)
    config, key = config_of(form), jax.random.PRNGKey(0)

    def forward(params, batch):
        return network.apply(params, batch["ir"], batch["vis"][..., :1])

    def segmentation(fused, inner_params, batch):
        logits = segmenter.apply(inner_params["semantic"], fused)
        return {"cross_entropy": cross_entropy(logits, batch["labels"])}

    problem = BilevelProblem(forward, {"visual": Task(None, None), "semantic": Task(None, segmentation)})
    semantic = {"semantic": segmenter.init(key, image)}
    losses = learned_loss_problem(config, problem, semantic)
    loss_params, back = ravel_pytree(FORMS[form].init(key, len(TERMS)))
    loss_params = back(loss_params + 0.5 * jax.random.normal(key, loss_params.shape, loss_params.dtype))
    loss_params = jax.tree.map(lambda leaf: leaf.astype(dtype), loss_params)
    inner = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(batch_of(seed, dtype) for seed in range(STEPS)))
    return config, losses, loss_params, network.init(key, image, image), batch_of(9, dtype), inner


@pytest.mark.parametrize("form", FORMS)
def test_the_hypergradient_through_the_steps_equals_finite_differences(form):
    with jax.enable_x64(True):
        _, losses, loss_params, fusion_params, outer, inner = of_form(form, jnp.float64)
        optimizer = optax.sgd(0.3, momentum=0.9)
        made = ESTIMATORS["unrolled"](*losses, has_aux=True, inner_optimizer=optimizer, steps=STEPS)
        estimate = jax.jit(made.estimate)(
            loss_params, fusion_params, outer, inner, made.init(loss_params, fusion_params)
        )
        flat, back = ravel_pytree(loss_params)

        @jax.jit
        def after_steps(w):
            v, state = fusion_params, optimizer.init(fusion_params)
            for number in range(STEPS):
                batch = jax.tree.map(lambda leaf, n=number: leaf[n], inner)
                gradient = jax.grad(losses.inner_loss, argnums=1, has_aux=True)(back(w), v, batch)[0]
                updates, state = optimizer.update(gradient, state)
                v = optax.apply_updates(v, updates)
            return losses.outer_loss(back(w), v, outer)[0], v

        value, reached = after_steps(flat)
        found = ravel_pytree(estimate.outer_grad)[0]
        assert found.dtype == jnp.float64 and float(jnp.linalg.norm(found)) > 1e-5
        np.testing.assert_allclose(estimate.aux["outer_loss"], value, rtol=1e-12)
        np.testing.assert_allclose(ravel_pytree(estimate.inner_params)[0], ravel_pytree(reached)[0], rtol=1e-10)
        rng, step = np.random.default_rng(0), 1e-6
        directions = np.eye(len(flat)) if form == "vector" else rng.normal(size=(4, len(flat)))
        for direction in directions:
            difference = (after_steps(flat + step * direction)[0] - after_steps(flat - step * direction)[0]) / (
                2 * step
            )
            np.testing.assert_allclose(found @ direction, difference, rtol=1e-4, atol=1e-10)


EXAMPLES = {
    "one_step": {}, "conjugate_gradient": {"iterations": 3, "damping": 0.1}, "empirical_fisher": {},
    "truncated": {"backward_steps": 1}, "neumann": {"step_size": 0.1}, "forward": {},
}  # fmt: skip
SLOW = ("empirical_fisher", "neumann", "forward")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in EXAMPLES]
)
def test_an_estimator_gives_the_loss_a_gradient_and_ignore_gives_none(name):
    _, losses, loss_params, fusion_params, outer, inner = of_form("vector")
    options = dict(EXAMPLES[name])
    if ESTIMATORS[name].traits.batch_per_step:
        options |= {"inner_optimizer": optax.sgd(0.3), "steps": STEPS}
    else:
        inner = jax.tree.map(lambda leaf: leaf[0], inner)
    for kind, given in ((name, options), ("ignore", {})):
        made = ESTIMATORS[kind](*losses, has_aux=True, **given)
        arguments = loss_params, fusion_params, outer, inner, made.init(loss_params, fusion_params)
        gradient = jax.jit(made.estimate)(*arguments).outer_grad["logits"]
        assert np.isfinite(gradient).all() and (kind == "ignore") == (float(jnp.abs(gradient).max()) == 0.0)
        # Adding one number to all logits changes no weight.
        assert float(jnp.abs(gradient.sum())) <= 1e-5 * max(1.0, float(jnp.abs(gradient).max()))


@pytest.mark.parametrize("form", FORMS)
def test_the_weights_begin_as_given_and_always_keep_their_sum(form):
    config, losses, loss_params, fusion_params, outer, _ = of_form(form)
    first = FORMS[form].init(jax.random.PRNGKey(1), len(TERMS))
    np.testing.assert_allclose(shares(config, first, outer), 1.0, rtol=1e-6)
    moved = shares(config, jax.tree.map(lambda leaf: 30.0 * leaf, loss_params), outer)
    assert float(moved.min()) >= 0.0 and float(moved.std()) > 0.1
    np.testing.assert_allclose(moved.sum(axis=-1), len(TERMS), rtol=1e-5)
    # With the first weights the loss is the visual task's.
    images = fusion.Images(*(outer["ir"],) * 2, _luma(outer), outer["vis"], outer["ir"], None, None, None)
    fused = Mixture().apply(fusion_params, outer["ir"], outer["vis"][..., :1])
    pairs = [(TERMS[name], fusion.TERMS[name].loss(fused, images)) for name in learned_terms(config)]
    expected = sum(weight * total / count for weight, (total, count) in pairs)
    np.testing.assert_allclose(losses.inner_loss(first, fusion_params, outer)[0], expected, rtol=1e-5)


def _luma(batch):
    return jnp.tensordot(batch["vis"], jnp.array([0.299, 0.587, 0.114]), 1)[..., None]


@pytest.mark.parametrize("name", [term.name for term in fusion.TERMS.values() if term.pixels is not None])
def test_the_mean_of_a_terms_pixels_is_its_loss(name):
    batch = batch_of(3, jnp.float32)
    fused = 0.8 * batch["saliency"]
    images = fusion.Images(batch["ir"], batch["ir"], _luma(batch), batch["vis"], batch["ir"], None, None, None)
    total, count = fusion.TERMS[name].loss(fused, images)
    pixels = fusion.TERMS[name].pixels(fused, images)
    assert pixels.shape == fused.shape
    np.testing.assert_allclose(jnp.mean(pixels), total / count, rtol=1e-5)
