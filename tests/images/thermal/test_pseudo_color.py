"""Heat that was shown in colours, and colours that are none of heat."""

import io

import numpy as np
import pytest
from PIL import Image

from bilevel_jax.images.thermal import read_infrared
from bilevel_jax.images.thermal.palettes import palettes
from bilevel_jax.images.thermal.pseudo_color import MEAN_DISTANCE, heat_of_colors, recognised_palette

DIRECTED = [name for name, palette in palettes().items() if palette.directed]


def heat_image(seed=0):
    """Smooth ground and sky, with a few hot things that have sharp edges."""
    y, x = np.mgrid[:96, :128] / 96
    image = 60 + 50 * np.sin(3 * x) + 60 * y + np.random.default_rng(seed).normal(0, 3, x.shape)
    for number in range(6):
        top, left = 10 + 12 * number, 8 + 19 * number
        image[top : top + 14, left : left + 8] = 150 + 20 * number
    return np.clip(image, 0, 255).astype(np.uint8)


def colored(heat, name):
    return np.rint(palettes()[name].colors[heat]).astype(np.uint8)


def jpeg(image, quality=80):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality, subsampling=2)
    return np.asarray(Image.open(file))


@pytest.mark.parametrize("name", DIRECTED)
def test_colours_become_heat_again(name):
    heat = heat_image()
    exact = heat_of_colors(colored(heat, name))
    assert exact.samples.dtype == np.uint8 and f"the palette {name}," in exact.notes[0]
    steps = np.abs(np.diff(palettes()[name].colors, axis=0)).sum(axis=-1)
    assert np.abs(exact.samples[..., 0].astype(int) - heat).max() <= (1 if steps.min() > 1 else 3)  # equal neighbours
    stored = heat_of_colors(jpeg(colored(heat, name)))
    assert f"the palette {name}," in stored.notes[0]
    assert np.abs(stored.samples[..., 0].astype(float) - heat).mean() < 6
    assert np.corrcoef(stored.samples.ravel(), heat.ravel())[0, 1] > 0.94


def test_a_related_palette_keeps_the_order_of_heat():
    heat = heat_image()
    stops = np.array([(0, 0, 0), (32, 0, 140), (204, 0, 119), (255, 215, 0), (255, 255, 255)], float)
    palette = np.stack([np.interp(np.arange(256) / 63.75, np.arange(5), stops[:, c]) for c in range(3)], axis=-1)
    result = heat_of_colors(np.rint(palette[heat]).astype(np.uint8))
    assert "turned back into heat" in result.notes[0]
    order = [np.argsort(np.argsort(values.ravel(), kind="stable")) for values in (heat, result.samples)]
    assert np.corrcoef(*order)[0, 1] > 0.97


def test_a_logo_and_a_scale_do_not_hide_the_palette():
    image = colored(heat_image(), "jet")
    image[2:10, 2:30] = 255
    image[10:80, 120:126] = palettes()["jet"].colors[np.linspace(255, 0, 70).astype(int)][:, None]
    assert recognised_palette(image)[0] == "jet" and recognised_palette(image)[1] < MEAN_DISTANCE


def test_grey_stays_as_it_is():
    heat = heat_image()
    tinted = jpeg(np.stack([heat, heat, heat], axis=-1), 60)
    logo = np.repeat(heat[..., None], 3, axis=-1)
    logo[:8, :12] = (200, 0, 0)
    deep = (heat.astype(np.uint16) * 257)[..., None]
    for image in (heat[..., None], tinted, logo, deep):
        result = heat_of_colors(image)
        assert result.samples is image and result.notes == ()


def test_sixteen_bits_of_colour_are_recognised():
    heat = heat_image()
    result = heat_of_colors(colored(heat, "inferno").astype(np.uint16) * 257)
    np.testing.assert_array_equal(result.samples, heat_of_colors(colored(heat, "inferno")).samples)


def natural_image():
    rng = np.random.default_rng(1)
    image = np.empty((96, 128, 3))
    image[:40] = (120, 170, 220)
    image[40:] = (90, 120, 60)
    image[30:70, 20:50] = (160, 120, 100)
    image[50:80, 70:100] = (110, 110, 115)
    return np.clip(image + rng.normal(0, 12, (96, 128, 1)), 0, 255).astype(np.uint8)


def test_other_colours_are_kept_with_a_warning():
    heat = heat_image()
    for image, what in (
        (natural_image(), "no known palette"),
        (colored(heat, "rainbow of pure hues"), "without a known hot end"),
    ):
        result = heat_of_colors(image)
        assert result.samples is image
        assert what in result.notes[0] and "brightness is taken for heat, which may be wrong" in result.notes[0]


def test_a_file_of_a_palette(tmp_path):
    heat = heat_image()
    indexed = Image.fromarray(heat)
    indexed.putpalette(np.rint(palettes()["ironbow"].colors).astype(np.uint8).ravel().tolist())
    indexed.save(tmp_path / "a.png")
    samples, notes = read_infrared(tmp_path / "a.png")
    assert "ironbow" in notes[0] and np.abs(samples[..., 0].astype(int) - heat).max() <= 1
