"""The rules of heat: their definitions against sums that are written out here, and what they are for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.images.pyramid import from_laplacian_pyramid, laplacian_pyramid
from bilevel_jax.images.trivial_fusion import heat, heat_detail, heat_replace
from bilevel_jax.images.trivial_fusion.heat import heat_mask

RNG = np.random.default_rng(3)


def blurred(image, sigma):
    """The Gaussian mean of an image [h, w], pixel by pixel; the window ends at 4 sigma and is cut at the border."""
    height, width = image.shape
    result = np.zeros_like(image)
    y, x = np.mgrid[:height, :width]
    for row in range(height):
        for column in range(width):
            away = np.abs(y - row), np.abs(x - column)
            weights = np.exp(-(away[0] ** 2 + away[1] ** 2) / (2 * sigma**2))
            weights[np.maximum(*away) > np.ceil(4 * sigma)] = 0
            result[row, column] = (weights * image).sum() / weights.sum()
    return result


def mask_of(infrared):
    above = np.maximum(infrared - blurred(infrared, 0.12 * min(infrared.shape)), 0)
    return np.minimum(above / max(np.percentile(above, 99.5), 0.05), 1)


def exposed(infrared):
    """The infrared image below has the mean 0.15 and few highlights, so the exposure doubles it."""
    return np.minimum(0.3 / infrared.mean() * infrared, 1)


@pytest.fixture(scope="module")
def pair():
    infrared = 0.1 + 0.02 * RNG.random((40, 32))
    infrared[10:24, 8:14] += 0.3
    infrared *= 0.15 / infrared.mean()
    return infrared, RNG.uniform(0.2, 0.8, (40, 32))


def test_heat_is_its_definition(pair):
    infrared, visible = pair
    fused = heat(infrared[..., None], visible[..., None])[..., 0]
    np.testing.assert_allclose(fused, visible + 0.7 * mask_of(infrared) * (1 - visible), atol=1e-6)


def test_heat_replace_is_its_definition(pair):
    infrared, visible = pair
    mask, bright, wide = blurred(mask_of(infrared), 1), exposed(infrared), 0.08 * 32
    replacement = blurred(visible, wide) + bright - blurred(bright, wide) + visible - blurred(visible, 2)
    fused = heat_replace(infrared[..., None], visible[..., None])[..., 0]
    np.testing.assert_allclose(fused, (1 - mask) * visible + mask * replacement, atol=1e-6)


def test_heat_detail_is_its_definition(pair):
    infrared, visible = (image[..., None] for image in pair)
    details, base = laplacian_pyramid(heat_replace(infrared, visible), 4)
    others, _ = laplacian_pyramid(infrared, 4)
    chosen = [np.where(abs(q) >= abs(p), q, p) for p, q in zip(details, others, strict=True)]
    np.testing.assert_allclose(heat_detail(infrared, visible), from_laplacian_pyramid(chosen, base), atol=1e-9)


@pytest.mark.parametrize("infrared", [RNG.random((60, 80, 1)), np.zeros((60, 80, 1)), RNG.random((60, 80, 1)) ** 9])
def test_heat_never_darkens_and_stays_within_the_range(infrared):
    visible = RNG.random((60, 80, 1))
    fused = heat(infrared, visible)
    assert (fused >= visible).all() and fused.max() <= 1


def test_noise_of_an_image_without_warm_things_is_no_heat():
    noise = 0.2 + 0.002 * RNG.standard_normal((96, 128, 1))
    assert heat_mask(noise).max() < 0.2  # the largest of 12,288 is about 4 of 25 deviations
    warm = noise.copy()
    warm[40:60, 50:60] += 0.2
    assert heat_mask(warm)[42:58, 52:58].min() > 0.7


def test_heat_takes_the_place_of_a_dark_person_instead_of_cancelling():
    """A warm person, darker than a bright street. With `heat` he comes to the street's level; replaced he is above."""
    infrared, visible = np.full((120, 160, 1), 0.15), np.full((120, 160, 1), 0.75)
    infrared[50:74, 70:80], visible[50:74, 70:80] = 0.45, 0.1
    inside, outside = np.s_[53:71, 73:77], np.s_[20:30, 20:30]
    added, replaced = (rule(infrared, visible) for rule in (heat, heat_replace))
    assert abs(added[inside].mean() - added[outside].mean()) < 0.1
    assert replaced[inside].mean() - replaced[outside].mean() > 0.2
    np.testing.assert_allclose(replaced[outside], 0.75, atol=1e-3)


def test_the_gradient_of_heat_leaves_what_heat_does_not_cover():
    infrared, visible, weights = (jnp.asarray(RNG.random((30, 40, 1)), jnp.float32) for _ in range(3))
    gradient = jax.grad(lambda image: (weights * heat(infrared, image)).sum())(visible)
    np.testing.assert_allclose(gradient, weights * (1 - 0.7 * heat_mask(infrared)), atol=1e-5)
