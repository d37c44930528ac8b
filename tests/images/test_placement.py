"""Pictures on canvases against JAX's and SciPy's interpolation, and boxes that follow their rectangles."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.images import placement as placements
from bilevel_jax.images.blur import blurred, gaussian_blur
from bilevel_jax.images.placement import GREY, Placement, letterboxed, placed_boxes, top_left
from bilevel_jax.images.views import LONGEST, SHORTEST, canvas_of, draw_views, seen

place = jax.jit(placements.place, static_argnums=2)


@pytest.mark.parametrize("size", [(24, 32), (40, 30), (60, 80)])
@pytest.mark.parametrize("smooth", [True, False])
def test_pictures_at_the_top_left_are_the_linear_interpolation_of_jax_and_grey(size, smooth):
    images = jnp.asarray(np.random.default_rng(0).random((2, *size, 3)), jnp.float32)
    inner = [round(side * 48 / max(size)) for side in size]
    placed = lambda: place(images, top_left(2, jnp.float32(48 / max(size))), (48, 48))
    found = placed() if smooth else jax.jit(letterboxed, static_argnums=1)(images, 48)[0]
    expected = jax.image.resize(images, (2, *inner, 3), "linear", antialias=smooth)
    np.testing.assert_allclose(found[:, : inner[0], : inner[1]], expected, atol=1e-5)
    assert np.allclose(found[:, inner[0] :], GREY) and np.allclose(found[:, :, inner[1] :], GREY)


@pytest.mark.parametrize("seed", range(4))
def test_boxes_follow_a_drawn_rectangle(seed):
    keys = jax.random.split(jax.random.key(seed), 2)
    view = draw_views(keys, 60, 80)._replace(noise=jnp.zeros((2, 60, 80, 3)))
    box = np.array([20, 30, 44, 62])  # large enough for its edges to be half way up after the blur
    picture = np.zeros((2, 60, 80, 3), np.float32)
    picture[:, box[0] : box[2], box[1] : box[3]] = 1
    found = np.asarray(jax.jit(seen)(jnp.asarray(picture), view))[..., 1]
    boxes = np.asarray(placed_boxes(jnp.tile(jnp.asarray(box, jnp.float32), (2, 1, 1)), view.placement, 80))
    for image, (y0, x0, y1, x1) in zip(found, boxes[:, 0], strict=True):
        rows, columns = np.flatnonzero(image.max(axis=1) > 0.6), np.flatnonzero(image.max(axis=0) > 0.6)
        edges = [rows[0], columns[0], rows[-1] + 1, columns[-1] + 1]
        # One pixel of the picture is up to 6.4 of the canvas.
        np.testing.assert_allclose(edges, [y0, x0, y1, x1], atol=4)


def test_views_differ_by_key_stay_on_the_canvas_and_pass_the_gradient():
    view = draw_views(jax.random.split(jax.random.key(0), 64), 30, 40)
    longer = 40 * np.asarray(view.placement.scale)
    assert longer.min() >= SHORTEST and longer.max() <= LONGEST and longer.std() > 30
    height, width = canvas_of(30, 40)
    assert (height, width) == (384, 512)
    assert (np.asarray(view.placement.top) + 30 * view.placement.scale <= height).all()
    assert (np.asarray(view.placement.left) + longer <= width).all()
    assert 10 < np.asarray(view.placement.mirrored).sum() < 54
    one = jax.tree.map(lambda leaf: leaf[:1], view)
    picture = jnp.asarray(np.random.default_rng(0).uniform(0.3, 0.7, (1, 30, 40, 3)), jnp.float32)
    gradient = jax.jit(jax.grad(lambda image: seen(image, one).sum()))(picture)
    # A brighter picture makes a brighter view: scale^2 pixels of the canvas for each pixel.
    expected = float(one.placement.scale[0]) ** 2
    np.testing.assert_allclose(gradient[:, 8:-8, 8:-8].mean(), expected, rtol=0.05)


def test_blur_of_each_image():
    images = jnp.asarray(np.random.default_rng(0).random((2, 20, 24, 1)), jnp.float32)
    found = jax.jit(blurred)(images, jnp.array([0.0, 1.3]))
    np.testing.assert_allclose(found[0], images[0], atol=1e-6)
    np.testing.assert_allclose(found[1], gaussian_blur(images, 1.3)[1], atol=1e-4)


def test_mirrored_boxes():
    one = Placement(jnp.array([2.0]), jnp.array([3.0]), jnp.array([5.0]), jnp.array([True]))
    np.testing.assert_allclose(placed_boxes(jnp.array([[[1.0, 2.0, 4.0, 6.0]]]), one, 10), [[[5, 13, 11, 21]]])
