"""The terms of the visual task: what holds for all of them, the measures they are made from, values worked by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilevel_jax.images.color import luma, ycbcr_to_rgb
from bilevel_jax.losses import fusion
from bilevel_jax.metrics import fusion as metrics

SIZE = (48, 53)
METRICS = {
    "vif": (metrics.visual_information_fidelity, lambda value: 1 - value / 2),
    "qabf": (metrics.edge_preservation, lambda value: 1 - value),
    "scd": (metrics.sum_of_correlations_of_differences, lambda value: 2 - value),
    "ssim_sources": (metrics.structural_similarity, lambda value: 1 - value / 2),
}
# The first box touches the left border: on a ramp its ring lies to its right, so that it has contrast. The second is
# inside, and the third slot is padding.
BOXES = np.array([[10, 0, 30, 16], [4, 20, 24, 30], [0, 0, 0, 0]], np.float32)
CLASSES = np.array([0, 2, -1], np.int32)


@pytest.fixture(scope="module")
def compiled():
    """Each term as a function of (fused, Images) -> ((sum, normaliser), gradient of the sum), compiled once."""
    return {name: jax.jit(jax.value_and_grad(term.loss, has_aux=True)) for name, term in fusion.TERMS.items()}


@pytest.fixture(scope="module")
def terms(compiled):
    """The same as functions of (fused, infrared, luminance)."""

    def of_sources(name):
        return lambda fused, *sources: compiled[name](fused, _compared_with(*sources))

    return {name: of_sources(name) for name in compiled}


def _images(seed, number=2):
    """Fused image, infrared and luminance [number, 48, 53, 1] with structure at all scales, flat areas and noise."""
    rng = np.random.default_rng(seed)
    steps = np.kron(rng.random((3, number, 6, 7, 1)), np.ones((8, 8, 1)))[:, :, : SIZE[0], : SIZE[1]]
    ir, luma, other = np.clip(1.4 * steps - 0.2 + rng.normal(0, 0.03, steps.shape), 0, 1).astype(np.float32)
    share = rng.random((number, 1, 1, 1), np.float32)
    return 0.9 * (share * ir + (1 - share) * luma) + 0.1 * other, ir, luma


def _compared_with(infrared, luminance):
    """What a fused image is compared with: the target lies between the sources, and the visible image is coloured."""
    visible = np.clip(luminance + np.float32([0.25, 0.0, -0.15]), 0, 1)
    number = len(infrared)
    boxes, classes = np.tile(BOXES, (number, 1, 1)), np.tile(CLASSES, (number, 1))
    target = (infrared + 2 * luminance) / np.float32(3)
    return fusion.Images(target, infrared, luminance, visible, infrared, boxes, classes, np.ones(number, bool))


# --- what holds for every term ---


@pytest.mark.parametrize("name", fusion.TERMS)
def test_a_term_says_what_it_is(name):
    term = fusion.TERMS[name]
    assert term.name == name and term.help and not term.help.endswith(".") and term.default >= 0


@pytest.mark.parametrize("name", fusion.TERMS)
def test_the_least_side_is_enough_and_one_pixel_less_is_not(name):
    term = fusion.TERMS[name]
    images = [image[:1, : term.least_side, : term.least_side] for image in _images(1)]
    total, count = jax.jit(term.loss)(images[0], _compared_with(*images[1:]))
    assert np.isfinite(total) and float(count) > 0
    if term.least_side == 1:
        return
    small = [image[:, 1:, 1:] for image in images]
    try:
        _, count = term.loss(small[0], _compared_with(*small[1:]))
    except ValueError:
        return
    assert float(count) == 0  # no pixel has all its neighbours


FLAT = {
    "zeros": (0.0, 0.0, 0.0),
    "ones": (1.0, 1.0, 1.0),
    "three constants": (0.3, 0.6, 0.5),
    "constant fused": (0.5, None, None),
    "constant infrared": (None, 0.2, None),
    "black visible": (None, None, 0.0),
    "u = x": ("ir", None, None),
    "u = y": ("luma", None, None),
    "all equal": ("ir", None, "ir"),
    "out of range": (1.7, None, None),
}


@pytest.mark.parametrize("case", FLAT)
def test_gradients_are_finite_and_bounded_where_the_measures_have_no_value(terms, case):
    fused, ir, luma = _images(2)
    known = {"fused": fused, "ir": ir, "luma": luma}
    images = [
        known[name] if value is None else known[value] if isinstance(value, str) else np.full_like(fused, value)
        for name, value in zip(known, FLAT[case], strict=True)
    ]
    for name, term in terms.items():
        (total, count), gradient = term(*images)
        assert np.isfinite(total) and float(count) > 0, name
        # Of a mean over images in [0, 1], per pixel: a term that rounding drives has slopes of thousands.
        assert np.isfinite(gradient).all() and np.abs(gradient).max() < 50, (name, float(np.abs(gradient).max()))


@pytest.mark.parametrize("name", fusion.TERMS)
def test_gradient_equals_finite_differences(terms, name):
    rng = np.random.default_rng(4)
    # Brighter to the right everywhere: Qabf's angle jumps where the difference to the right changes its sign.
    ramp = np.linspace(0.1, 0.9, SIZE[1], dtype=np.float32)[:, None]
    fused, ir, luma = rng.normal(0, 1, (3, 2, *SIZE, 1)).astype(np.float32)
    images = 0.9 * ramp + 0.004 * fused, ramp + 0.004 * ir, 0.1 + 0.8 * ramp + 0.004 * luma
    # These two have no slope there: `white` looks at white pixels alone, and `grain` at patches that are plain.
    if name == "white":
        images = 0.3 + images[0], *images[1:]
    if name == "grain":
        images = images[0], *(0.1 * source for source in images[1:])
    _, gradient = terms[name](*images)
    # Uphill in every pixel: across the slope the difference of two float32 sums is their rounding.
    direction, step = np.sign(gradient), 3e-5
    ahead, behind = (float(terms[name](images[0] + s * direction, *images[1:])[0][0]) for s in (step, -step))
    assert np.any(direction)
    assert float(np.vdot(gradient, direction)) == pytest.approx((ahead - behind) / (2 * step), rel=0.05)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_a_batch_is_the_sum_of_its_images(terms, seed):
    images = _images(seed)
    twice = [[np.repeat(image[i : i + 1], 2, axis=0) for image in images] for i in range(2)]
    for name, term in terms.items():
        (total, count), gradient = term(*images)
        alone = [term(*pair) for pair in twice]
        expected, normaliser = (sum(pair[i] for pair, _ in alone) / 2 for i in range(2))
        assert float(count) == float(normaliser) > 0, name
        np.testing.assert_allclose(total, expected, rtol=1e-5, atol=1e-5, err_msg=name)
        separate = np.stack([slope[0] for _, slope in alone])
        np.testing.assert_allclose(gradient, separate, rtol=1e-4, atol=1e-5 * np.abs(separate).max(), err_msg=name)


# --- values ---


@pytest.mark.parametrize("name", METRICS)
def test_term_is_the_measure_in_grey_levels_without_rounding(terms, name):
    measure, as_loss = METRICS[name]
    measure = jax.jit(measure)
    for seed in range(3):
        images = _images(seed)
        (total, count), _ = terms[name](*images)
        fused, ir, luma = (255 * image[..., 0] for image in images)
        expected = [as_loss(float(measure(a, b, f))) for a, b, f in zip(ir, luma, fused, strict=True)]
        assert float(count) == 2
        assert float(total) == pytest.approx(sum(expected), rel=1e-4)


def test_l1_is_a_sum_and_the_number_of_pixels():
    total, count = fusion.l1(jnp.full((2, 3, 4, 1), 0.25), jnp.full((2, 3, 4, 1), 0.5))
    assert float(total) == pytest.approx(6.0) and float(count) == 24


def test_dissimilarity_is_zero_for_equal_images_and_falls_along_its_gradient():
    target = jax.random.uniform(jax.random.PRNGKey(0), (1, 16, 16, 1))
    noisy = target + 0.1 * jax.random.normal(jax.random.PRNGKey(1), target.shape)
    loss = lambda image: fusion.structural_dissimilarity(image, target)[0]
    assert float(loss(target)) == pytest.approx(0.0, abs=1e-6)
    better = noisy - 0.5 * jax.grad(loss)(noisy)
    assert float(loss(better)) < float(loss(noisy))


def test_terms_are_zero_where_they_must_be(terms):
    _, ir, luma = _images(5)
    value = lambda name, *images: float(terms[name](*images)[0][0] / terms[name](*images)[0][1])
    assert value("intensity_max", np.maximum(ir, luma), ir, luma) == 0
    # Over 2 x 48 x 53 pixels.
    assert value("intensity_max", np.maximum(ir, luma) + 0.125, ir, luma) == pytest.approx(0.125, rel=1e-5)
    # One image: it keeps itself whole.
    for name in ("gradient_max", "contrast"):
        assert value(name, ir, ir, ir) == 0
    assert value("ssim_sources", ir, ir, ir) == pytest.approx(0, abs=1e-6)
    assert value("vif", ir, ir, ir) == pytest.approx(0, abs=1e-4)
    # Qabf's constants leave 1 - 0.9994 / (1 + e^-7.5) x 0.9879 / (1 + e^-4.4) = 0.0249 of a perfect copy.
    assert value("qabf", ir, ir, ir) == pytest.approx(0.0249, abs=5e-4)
    # u - y = x and u - x = y.
    assert value("scd", ir + luma, ir, luma) == pytest.approx(0, abs=1e-4)
    assert value("scd", -ir - luma, ir, luma) > 2
    # Constant sources hold no information, edge or contrast: only the range is left to lose.
    flat = np.full_like(ir, 0.4)
    assert value("vif", ir, flat, flat) == 0 and value("contrast", ir, flat, flat) == 0


def test_gradient_max_of_a_ramp_is_its_slope(terms):
    ramp = np.broadcast_to(np.linspace(0, 0.47, SIZE[0], dtype=np.float32)[None, :, None, None], (2, *SIZE, 1))
    flat = np.zeros_like(ramp)
    (total, count), _ = terms["gradient_max"](flat, flat, ramp)
    assert float(count) == 2 * 46 * 51
    # Sobel's weights down a ramp of 0.01 a row: (1 + 2 + 1) x 0.02.
    assert float(total / count) == pytest.approx(0.08, rel=1e-4)


def test_contrast_is_asked_for_up_to_the_stronger_source_and_not_beyond(terms):
    _, ir, luma = _images(6)
    value = lambda fused: float(terms["contrast"](fused, ir, luma)[0][0])
    weaker, stronger = 0.5 * ir, 3.0 * ir
    assert value(weaker) > value(ir) > 0
    assert value(stronger) < value(ir)
    (_, _), slope = terms["contrast"](5.0 * ir - 2.0, 0.1 * ir, 0.1 * luma)
    assert not np.any(slope)


def test_mutual_information_and_entropy_are_those_of_weighted_histograms(terms):
    fused, ir, luma = _images(7)
    bits = lambda p: -float(np.sum(p[p > 0] * np.log2(p[p > 0])))

    def spread(image):
        levels = image.astype(np.float64).ravel() * 63
        low = np.minimum(np.floor(levels), 62)
        return (low, 1 - (levels - low)), (low + 1, levels - low)

    def joint(a, b):
        pairs = [(i, j, v * w) for i, v in spread(a) for j, w in spread(b)]
        edges = np.arange(65) - 0.5
        return sum(np.histogram2d(i, j, bins=(edges, edges), weights=w)[0] for i, j, w in pairs) / a.size

    information = entropy = 0.0
    for u, x, y in zip(np.clip(fused, 0, 1), ir, luma, strict=True):
        shared = most = 0.0
        for source in (x, y):
            both = joint(source, u)
            shared += bits(both.sum(1)) + bits(both.sum(0)) - bits(both)
            most += bits(both.sum(1)) - bits(np.concatenate([w for _, w in spread(source)])) / source.size
        information += 1 - shared / most
        entropy += 1 - bits(joint(u, u).sum(1)) / 6
    assert float(terms["mutual_information"](fused, ir, luma)[0][0]) == pytest.approx(information, rel=1e-3)
    assert float(terms["entropy"](fused, ir, luma)[0][0]) == pytest.approx(entropy, rel=1e-3)


def test_mutual_information_falls_from_noise_to_a_source_and_is_0_for_constants(terms):
    _, ir, luma = _images(8)
    value = lambda *images: float(terms["mutual_information"](*images)[0][0]) / 2
    noise = np.random.default_rng(8).random(ir.shape, np.float32)
    flat = np.full_like(ir, 0.4)
    assert 0 < value(ir, ir, ir) < value(ir, ir, luma) < value(noise, ir, luma) < 1
    assert value(noise, flat, flat) == 0
    assert value(flat, ir, luma) == pytest.approx(1, abs=1e-4)


def test_sharpness_is_that_of_the_metrics_and_not_rewarded_beyond_its_most(terms):
    fused, ir, _ = _images(9)
    flat = np.full_like(ir, 0.4)
    expected = 0.0
    for u, x in zip(255 * fused[..., 0], 255 * ir[..., 0], strict=True):
        for measure in (metrics.spatial_frequency, metrics.average_gradient):
            expected += 1 - min(float(measure(u)) / float(measure(x)), 1.25)
    assert float(terms["sharpness"](fused, ir, flat)[0][0]) == pytest.approx(expected, abs=1e-4)
    assert float(terms["sharpness"](ir, ir, flat)[0][0]) == pytest.approx(0, abs=1e-5)
    (total, _), slope = terms["sharpness"](3 * ir, ir, flat)
    assert float(total) == pytest.approx(-1.0) and not np.any(slope)
    (total, _), slope = terms["sharpness"](ir, flat, flat)
    assert float(total) == 0 and not np.any(slope)


def test_chroma_changes_only_where_the_coloured_image_is_clipped():
    # Cb, Cr off the centre by 0.1: at Y = 0.5 all three channels are inside, at Y = 0.98 red and blue are not.
    visible = ycbcr_to_rgb(jnp.broadcast_to(jnp.array([0.5, 0.6, 0.6]), (1, 4, 4, 3)))
    loss = lambda level: fusion.chroma_change(jnp.full((1, 4, 4, 1), level), visible)
    total, count = loss(0.5)
    assert float(count) == 32 and float(total) == pytest.approx(0, abs=1e-5)
    # Red and blue clipped to 1, green = 0.98 - 0.1 (0.344 + 0.714): Y = 0.587 x 0.8742 + 0.413 = 0.9261.
    cb, cr = (1 - 0.9261) * 0.5 / 0.886, (1 - 0.9261) * 0.5 / 0.701
    assert float(loss(0.98)[0]) == pytest.approx(16 * (0.1 - cb + 0.1 - cr), rel=1e-3)
    slope = jax.grad(lambda level: loss(level)[0])(0.98)
    assert np.isfinite(slope) and float(slope) > 0
    np.testing.assert_allclose(luma(visible), 0.5, atol=1e-6)


def test_a_picture_too_small_for_vif_is_refused():
    small = jnp.zeros((1, 40, 60, 1))
    with pytest.raises(ValueError, match="41 x 41"):
        fusion.information_loss(small, small, small)
