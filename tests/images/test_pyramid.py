"""The Laplacian pyramid: exact inverse at any size, and the filter that the paper states."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.images.pyramid import double, from_laplacian_pyramid, halve, laplacian_pyramid

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("size", [(64, 64), (67, 45), (33, 2), (1, 7), (1, 1)])
def test_an_image_comes_back_at_every_size(size):
    images = RNG.random((2, *size, 3)).astype(np.float32)
    details, base = laplacian_pyramid(images, 5)
    assert len(details) == 5 and details[0].shape == images.shape
    assert base.shape == (2, -(-size[0] // 32), -(-size[1] // 32), 3)
    again = from_laplacian_pyramid(details, base)
    assert isinstance(again, np.ndarray) and again.dtype == np.float32
    np.testing.assert_allclose(again, images, atol=1e-6)


@pytest.mark.parametrize("size", [(32, 48), (37, 21), (5, 1)])
def test_a_constant_image_has_no_details(size):
    details, base = laplacian_pyramid(np.full((*size, 1), 0.7))
    assert all(np.abs(detail).max() < 1e-12 for detail in details)
    np.testing.assert_allclose(base, 0.7)


def test_an_impulse_shows_the_kernel():
    impulse = np.zeros((17, 17, 1))
    impulse[8, 8] = 1
    kernel = np.array([1, 6, 1]) / 16  # every second weight of 1 4 6 4 1
    np.testing.assert_allclose(halve(impulse)[3:6, 3:6, 0], np.outer(kernel, kernel))
    assert halve(impulse).sum() == pytest.approx((8 / 16) ** 2)
    small = np.zeros((9, 9, 1))
    small[4, 4] = 1
    spread = np.array([1, 4, 6, 4, 1]) / 8  # four times the kernel in two directions
    np.testing.assert_allclose(double(small, 17, 17)[6:11, 6:11, 0], np.outer(spread, spread))


@pytest.mark.parametrize("length", [16, 17])
def test_the_border_is_mirrored(length):
    ramp = np.arange(length, dtype=float)
    image = np.broadcast_to(ramp[:, None, None], (length, 8, 1))
    wide = np.pad(image, ((8, 8), (0, 0), (0, 0)), mode="reflect")
    np.testing.assert_allclose(halve(wide)[4:-4, :, 0], halve(image)[..., 0])
    smaller = halve(image)
    larger = double(halve(wide), length + 16, 8)[8:-8]
    np.testing.assert_allclose(double(smaller, length, 8), larger)


def test_jax_gives_the_same_and_a_gradient():
    images, weights = RNG.random((2, 1, 37, 22, 1)).astype(np.float32)

    @jax.jit
    def both(x):
        # Splitting and joining is the identity, and so is its derivative.
        joined = lambda y: jnp.sum(weights * from_laplacian_pyramid(*laplacian_pyramid(y, 2)))
        return laplacian_pyramid(x, 2), jax.grad(joined)(x)

    (on_device, base_on_device), gradient = both(jnp.asarray(images))
    details, base = laplacian_pyramid(images, 2)
    for a, b in zip([*details, base], [*on_device, base_on_device], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    np.testing.assert_allclose(gradient, weights, atol=1e-5)


@pytest.mark.parametrize("size", [(32, 48), (37, 21), (5, 1)])
def test_the_upper_left_part_has_the_pyramid_of_that_image_alone(size):
    images = RNG.random((1, 40, 56, 1)).astype(np.float32)  # beyond the part they are noise
    part, extent = images[:, : size[0], : size[1]], jnp.array(size)
    details, base = laplacian_pyramid(jnp.asarray(images), 3, extent)
    alone, alone_base = laplacian_pyramid(part, 3)
    for own, expected in zip([*details, base], [*alone, alone_base], strict=True):
        np.testing.assert_allclose(own[:, : expected.shape[1], : expected.shape[2]], expected, atol=1e-6)
    again = from_laplacian_pyramid(details, base, extent)
    np.testing.assert_allclose(again[:, : size[0], : size[1]], part, atol=1e-6)


def test_what_is_refused():
    with pytest.raises(ValueError, match="levels is -1"):
        laplacian_pyramid(np.zeros((4, 4, 1)), -1)
    with pytest.raises(ValueError, match="3 x 3 pixels are not half of 7 x 6"):
        double(np.zeros((3, 3, 1)), 7, 6)
