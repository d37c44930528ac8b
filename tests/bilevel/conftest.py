"""A small nonlinear problem like fusion (two convolutions, two tasks), a regression, and weightings, compiled once."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import BilevelProblem, Task, dynamic_aggregate
from bilevel_jax.bilevel.weighting import example_options


def convolve(images, kernel):
    return jax.lax.conv_general_dilated(images, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def forward(params, batch):
    return convolve(jnp.tanh(convolve(batch["images"], params["first"])), params["second"])


def critic(params, fused):
    return jnp.tanh(fused * params["gain"] + params["bias"]) @ params["head"]


def visual_outer(fused, inner_params, batch):
    return {  # a pair and a scalar: both forms add up
        "content": (jnp.sum((fused - batch["target"]) ** 2), jnp.float32(fused.size)),
        "adversarial": 0.5 * jnp.mean((critic(inner_params["visual"], fused) - 1) ** 2),
    }


def visual_inner(fused, params, batch):
    return jnp.mean((critic(params, batch["target"]) - 1) ** 2) + jnp.mean(critic(params, fused) ** 2)


def classify(fused, params, batch):
    logits = jnp.mean(jnp.tanh(convolve(fused, params["kernel"])), axis=(1, 2)) @ params["head"]
    errors = -jnp.take_along_axis(jax.nn.log_softmax(logits), batch["labels"][:, None], axis=1)[:, 0]
    return jnp.sum(errors * batch["labelled"]), jnp.sum(batch["labelled"])


def semantic_outer(fused, inner_params, batch):
    adversarial = jnp.mean((critic(inner_params["visual"], fused) - 1) ** 2)
    return {"task": classify(fused, inner_params["semantic"], batch), "adversarial": 0.01 * adversarial}


@pytest.fixture
def problem():
    return BilevelProblem(
        forward, {"visual": Task(visual_inner, visual_outer), "semantic": Task(classify, semantic_outer)}
    )


@pytest.fixture
def values():
    """(outer_params, inner_params, outer_batch, inner_batch) as numpy float64, batches of 8 with unlabelled images."""
    rng = np.random.default_rng(0)

    def batch():
        return {
            "images": rng.uniform(size=(8, 6, 6, 2)),
            "target": rng.uniform(size=(8, 6, 6, 1)),
            "labels": rng.integers(0, 3, size=8),
            "labelled": np.array([1, 1, 0, 1, 1, 0, 0, 1.0]),
        }

    outer_params = {"first": rng.normal(size=(3, 3, 2, 4)) / 4, "second": rng.normal(size=(3, 3, 4, 1)) / 4}
    inner_params = {
        "visual": {"gain": rng.normal(size=4), "bias": rng.normal(size=4), "head": rng.normal(size=(4, 1))},
        "semantic": {"kernel": rng.normal(size=(3, 3, 1, 4)), "head": rng.normal(size=(4, 3))},
    }
    return outer_params, inner_params, batch(), batch()


@pytest.fixture(scope="session")
def compiled():
    """(name, number of tasks) -> (transform, its jitted update, its first state) for two leaves, one of bfloat16.

    The update takes (task gradients, losses, present, state). Compiling is most of the time that these tests take.
    """
    params = {"a": jnp.zeros((3, 2)), "b": jnp.zeros(6, jnp.bfloat16)}

    @functools.cache
    def made(name, num_tasks):
        tx = dynamic_aggregate(name, num_tasks=num_tasks, **example_options(name, num_tasks))

        def update(grads, losses, present, state):
            return tx.update(grads, state, losses=losses, present=present)

        return tx, jax.jit(update), tx.init(params)

    return made


@pytest.fixture
def float64():
    with jax.enable_x64(True):
        yield


class Regression:
    """Ridge regression, the logarithm of each feature's penalty the outer variable; F is the error on other data."""

    def __init__(self, seed=0, examples=12, size=3):
        rng = np.random.default_rng(seed)
        truth = rng.normal(size=size)
        x = rng.normal(size=(2, examples, size))
        y = x @ truth + 0.3 * rng.normal(size=(2, examples))
        self.inner_batch, self.outer_batch = (
            {"x": jnp.asarray(a), "y": jnp.asarray(b)} for a, b in zip(x, y, strict=True)
        )
        self.w, self.v = jnp.asarray(rng.normal(size=size)), jnp.asarray(rng.normal(size=size))

    def outer(self, w, v, batch):
        return jnp.mean((batch["x"] @ v - batch["y"]) ** 2) / 2

    def inner(self, w, v, batch):
        return self.outer(w, v, batch) + jnp.sum(jnp.exp(w) * v**2) / 2


@pytest.fixture
def regression():
    return Regression()
