"""The convnet stage: its hypergradient against finite differences, its patches against a convolution."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.evaluation.bilevel_study.convnet import WIDTHS, convnet, cross_entropy, patches, start_convnet
from bilevel_jax.evaluation.bilevel_study.convnet_run import (
    ConvnetProblem,
    fused_pictures,
    gradient_at,
    learn,
)
from bilevel_jax.evaluation.bilevel_study.convnet_stage import ConvnetStage
from bilevel_jax.evaluation.bilevel_study.scene_pictures import scene_pictures
from bilevel_jax.evaluation.bilevel_study.study_draws import Draw
from bilevel_jax.evaluation.bilevel_study.study_rows import ROWS

STEPS = 3


@pytest.fixture(scope="module")
def stage(cells):
    return ConvnetStage(scene_pictures(cells, 6), STEPS)


@pytest.fixture(scope="module")
def wide(stage):
    """The rule and a problem of 2 inner and 2 outer scenes, in float64."""
    with jax.enable_x64(True):
        problem = stage.problem(Draw(np.arange(2, 4), np.arange(2), (), {}), 0.3)
        problem = ConvnetProblem(*jax.tree.map(lambda a: jnp.asarray(a, jnp.float64), tuple(problem)))
        yield jnp.asarray(stage.start, jnp.float64), problem


@pytest.mark.slow
def test_yardstick_agrees_with_finite_differences_through_all_steps(wide):
    w, problem = wide
    key = jax.random.key(1)

    @jax.jit
    def loss(w):
        network = learn(w, problem, jax.random.fold_in(key, 0), STEPS)
        return cross_entropy(convnet(network, fused_pictures(w, problem.outer)), problem.outer.labels)

    found = jax.jit(lambda w: gradient_at(ROWS["exact"], w, None, key, problem, STEPS).gradient)(w)
    step = 1e-5
    moved = jnp.stack([(loss(w + step * e) - loss(w - step * e)) / (2 * step) for e in jnp.eye(len(w))])
    np.testing.assert_allclose(found, moved, rtol=1e-4, atol=1e-7)


def test_network_is_small_and_its_patches_are_a_convolution():
    network = start_convnet(jax.random.key(0), 5)
    assert sum(a.size for a in jax.tree.leaves(network)) < 10_000
    x = jax.random.normal(jax.random.key(1), (1, 8, 12, 1))
    kernel = network[0]["kernel"].reshape(3, 3, 1, WIDTHS[0])
    reference = jax.lax.conv_general_dilated(
        x, kernel, (2, 2), ((1, 1), (1, 1)), dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    np.testing.assert_allclose(patches(x) @ network[0]["kernel"], reference, atol=1e-5)


def test_pictures_have_the_scale_of_the_cells(cells, stage):
    """The fused picture has variance 1 at full size, so a little less at half size."""
    fused = fused_pictures(jnp.asarray(stage.start), stage.problem(Draw(np.arange(6), np.arange(6), (), {}), 0.3).outer)
    assert np.all((0.7 < fused.var((1, 2))) & (fused.var((1, 2)) < 1.01))
    np.testing.assert_allclose(fused.mean((1, 2)), 0, atol=0.02)
