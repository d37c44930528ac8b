"""One compilation serves many sizes, and padding changes nothing."""

import functools

import jax
import numpy as np
import pytest

from bilevel_jax.metrics import evaluate, fusion
from bilevel_jax.metrics.fusion import FAMILIES, channel_values, compiled, gray_levels
from bilevel_jax.metrics.fusion.stretch import stretched

NAMES = tuple(FAMILIES["paper"])


def _images(height, width, seed=0, channels=()):
    rng = np.random.default_rng(seed)
    return [np.floor(rng.random((height, width, *channels)) * 200) + 20 * i for i in range(3)]


@pytest.mark.parametrize("family", FAMILIES)
def test_padding_of_any_content_is_ignored(family, synthetic_images):
    """Against the same functions on the images as they are, which know no padding at all."""
    images = [gray_levels(image) if family == "paper" else channel_values(image) for image in synthetic_images]
    height, width = images[0].shape[:2]
    table = functools.partial(compiled.paper, names=NAMES) if family == "paper" else compiled.vifb
    with jax.enable_x64(True):
        exact, exact_planes = _floats(table(*images, None))
        for content in (0.0, 777.0):
            wide = [np.full((256, 256, *image.shape[2:]), content) for image in images]
            for array, image in zip(wide, images, strict=True):
                array[:height, :width] = image
            got, planes = _floats(table(*wide, np.array([height, width], np.int32)))
            assert got == pytest.approx(exact, rel=1e-9)
            for whole, padded in zip(exact_planes, planes, strict=True):
                np.testing.assert_array_equal(padded[..., :height, :width], whole)


def _floats(outputs):
    values, planes = outputs if isinstance(outputs, tuple) else (outputs, [])
    return {name: float(value) for name, value in values.items()}, list(map(np.asarray, planes))


def test_evaluate_and_the_pure_functions_agree():
    """In colour, with odd sides: `evaluate` pads, and filters on the host; the functions do neither."""
    a, b, f = _images(47, 61, channels=(3,))
    a = a[..., 0]
    got = evaluate(a, b, f, "vifb")
    with jax.enable_x64(True):
        assert got["Qcb"] == pytest.approx(float(jax.jit(fusion.chen_blum)(a, b, f)), rel=1e-9)
        assert got["Qcv"] == pytest.approx(float(jax.jit(fusion.chen_varshney)(a, b, f)), rel=1e-9)
    wide = np.concatenate(list(np.moveaxis(f, -1, 0)), axis=1)
    steps = np.sum(np.diff(wide, axis=0) ** 2) + np.sum(np.diff(wide, axis=1) ** 2)
    assert got["Spatial_frequency"] == pytest.approx(np.sqrt(steps / wide.size))


def test_a_grey_picture_in_colour_has_the_grey_figures():
    a, b, f = (image.astype(np.uint8) for image in _images(47, 61))
    in_colour = [np.repeat(image[..., None], 3, axis=-1) for image in (a, b, f)]
    expected = evaluate(a, b, f, "vifb")
    # Only the seams between its three equal channels are new.
    got = evaluate(*in_colour, "vifb")
    assert got.pop("Spatial_frequency") > expected.pop("Spatial_frequency")
    assert got == pytest.approx(expected, rel=1e-9)
    assert evaluate(a, *in_colour[1:], "vifb") == pytest.approx(evaluate(*in_colour, "vifb"), rel=1e-9)


def test_stretching_rounds_as_float64_does():
    """Halves come up at every second level of a range of 170; a fused multiply-add would lose them."""
    with jax.enable_x64(True):
        compiled = jax.jit(stretched)
        for least, greatest in [(7, 177), (0, 34), (3, 239), (5, 255), (0, 255), (11, 113)]:
            image = np.arange(least, greatest + 1, dtype=np.float64)[None]
            exact = (image - least) / (greatest - least) * 255
            rounded = np.floor(exact) + (exact - np.floor(exact) >= 0.5)
            np.testing.assert_array_equal(compiled(np.resize(image, (1, 256))), np.resize(rounded, (1, 256)))


def _compilations(call):
    counted = []
    listener = lambda event, duration, **_: (
        counted.append(event) if event.endswith("backend_compile_duration") else None
    )
    jax.monitoring.register_event_duration_secs_listener(listener)
    try:
        call()
    finally:
        jax.monitoring.unregister_event_duration_listener(listener)
    return len(counted)


def _folder(count, low, high):
    rng = np.random.default_rng(0)
    sizes = {tuple(rng.integers(low, high, 2).tolist()) for _ in range(10 * count)}
    return [
        [image.astype(np.uint8) for image in _images(*size)] for size in sorted(sizes)[:: len(sizes) // count][:count]
    ]


def _evaluate_folder(pairs):
    for images in pairs:
        evaluate(*images, names=fusion.NINE)
        evaluate(*images, "vifb")


def test_a_folder_of_many_sizes_does_not_compile_per_size():
    pairs = _folder(20, 41, 64)
    assert len({images[0].shape for images in pairs}) == 20
    # One array shape: the nine, VIFB's without filters, and those with filters. Fewer where another test came first.
    assert _compilations(lambda: _evaluate_folder(pairs)) <= 3
    assert _compilations(lambda: _evaluate_folder(_folder(7, 50, 60))) == 0


@pytest.mark.slow
def test_two_hundred_pairs_of_mixed_sizes():
    pairs = _folder(200, 100, 385)
    assert len({images[0].shape for images in pairs}) == 200
    shapes = {tuple(map(fusion.padded_side, images[0].shape)) for images in pairs}
    assert _compilations(lambda: _evaluate_folder(pairs)) <= 3 * len(shapes) <= 27
