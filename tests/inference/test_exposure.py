"""The exposure of a fuser: measured on each image or once for a rig, and read from what a network was trained with."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from bilevel_jax.errors import InputError
from bilevel_jax.images.exposure import apply_gain, exposure_gain
from bilevel_jax.images.files import read_image, to_float, write_image
from bilevel_jax.inference import Fuser, TrivialFuser, fuse_files
from bilevel_jax.inference.folder import WHOLE_FOLDER
from bilevel_jax.models import fusion_network

RADIUS = 4
RNG = np.random.default_rng(0)
VISIBLE = RNG.integers(0, 256, (150, 170, 3)).astype(np.uint8)


def dim(high, seed=0):
    return np.random.default_rng(seed).integers(0, high, (150, 170)).astype(np.uint8)


def local(params, ir, luminance):
    """The mean of the infrared image over 9 x 9 pixels, half and half with the visible image."""
    means = sum(jnp.roll(ir, (y, x), (1, 2)) for y in range(-RADIUS, RADIUS + 1) for x in range(-RADIUS, RADIUS + 1))
    return means / 162 + luminance / 2


@pytest.fixture(scope="module")
def fuser():
    return Fuser(local, {}, radius=RADIUS, exposure=4.0)


def test_the_gain_is_measured_on_the_image_unless_it_is_given(fuser):
    infrared = dim(60)
    gain = fuser.exposure_of(infrared)
    assert gain == pytest.approx(float(exposure_gain(to_float(infrared)[..., None])), rel=1e-6) and 2 < gain < 3
    plain = Fuser(local, {}, radius=RADIUS)
    assert plain.exposure_of(infrared) == 1.0
    exposed = apply_gain(to_float(infrared)[..., None], gain)
    expected = plain.fuse(exposed, VISIBLE)
    np.testing.assert_array_equal(fuser.fuse(infrared, VISIBLE), expected)
    np.testing.assert_array_equal(fuser.fuse(infrared, VISIBLE, gain), expected)
    np.testing.assert_array_equal(plain.fuse(infrared, VISIBLE, gain), expected)
    np.testing.assert_array_equal(fuser.fuse(infrared, VISIBLE, 1.0), plain.fuse(infrared, VISIBLE))
    # A batch: each image has a gain of its own.
    both = np.stack([to_float(image)[..., None] for image in (dim(60), dim(120, 1))])
    visible = np.stack([to_float(VISIBLE)] * 2)
    alone = plain.luminance(exposed[None], visible[:1])
    np.testing.assert_allclose(fuser.luminance(both, visible)[:1], alone, atol=1e-6)


def test_a_part_with_the_whole_s_exposure_is_the_part_of_the_whole(fuser):
    infrared = dim(40)
    infrared[:75] *= 3  # so that a part has another exposure
    whole, part = fuser.fuse(infrared, VISIBLE), np.s_[75:, 20:150]
    inside = np.s_[RADIUS:, RADIUS:-RADIUS]
    rig = fuser.fuse(infrared[part], VISIBLE[part], fuser.exposure_of(infrared))
    np.testing.assert_array_equal(rig[inside], whole[part][inside])
    assert abs(fuser.fuse(infrared[part], VISIBLE[part]).astype(float) - whole[part])[inside].mean() > 5
    tiled = Fuser(local, {}, radius=RADIUS, tile=64, exposure=4.0).fuse(infrared, VISIBLE)
    assert abs(tiled.astype(int) - whole).max() <= 1  # the sums are rounded in another order


def test_what_is_refused(fuser):
    for exposure in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(InputError, match="The exposure is .*; expected a positive number"):
            fuser.fuse(dim(60), VISIBLE, exposure)
    with pytest.raises(InputError, match="infrared.*shape"):
        fuser.exposure_of(np.zeros((4, 5, 2), np.uint8))
    with pytest.raises(InputError, match="'hues' is not known"):
        Fuser(local, {}, color="hues")


def test_a_rule_ignores_the_exposure():
    for name in ("max", "max+exposed"):
        rule = TrivialFuser(name)
        assert rule.exposure_of(dim(60)) == 1.0
        np.testing.assert_array_equal(rule.fuse(dim(60), VISIBLE, 3.0), rule.fuse(dim(60), VISIBLE))


def test_a_run_s_fuser_has_the_exposure_the_colour_and_the_strength_of_its_configuration():
    network, zeros = fusion_network("tiny"), np.zeros((1, 32, 32, 1), np.float32)
    params = jax.jit(network.init)(jax.random.key(0), zeros, zeros)
    old, new = (
        Fuser.from_run(ConfigDict({"fusion": {"name": "tiny", **own}}), {"outer_params": params})
        for own in ({}, {"exposure": 3.0, "color": "hue", "strength": 0.5, "exposure_jitter": 0.1})
    )
    assert (old.strength, new.strength, new.with_strength(None).strength) == (1.0, 0.5, 0.5)
    new = new.with_strength(1.0)
    assert (old.exposure, old.color, new.exposure, new.color) == (1.0, "chroma", 3.0, "hue")
    infrared, plain = dim(30), Fuser(network.apply, params, radius=network.receptive_radius)
    np.testing.assert_array_equal(old.fuse(infrared, VISIBLE), plain.fuse(infrared, VISIBLE))
    np.testing.assert_array_equal(new.fuse(infrared, VISIBLE), old.with_color("hue").fuse(infrared, VISIBLE, 3.0))
    assert new.with_color(None).color == new.with_params(params).color == "hue"
    assert new.with_color("light").color == "light"


def test_a_folder_has_the_median_of_its_images_gains(fuser, tmp_path, capsys):
    images = [dim(high, seed) for seed, high in enumerate((50, 60, 100))]
    for i, image in enumerate(images):
        write_image(tmp_path / "ir" / f"{i}.png", image)
        write_image(tmp_path / "vi" / f"{i}.png", VISIBLE)
    read = lambda exposure: [
        read_image(path)
        for path in fuse_files(fuser, tmp_path / "ir", tmp_path / "vi", tmp_path / "out", exposure=exposure)
    ]
    own = [fuser.exposure_of(image) for image in images]
    assert own[0] > own[1] > own[2]
    for exposure, expected in (("image", own), (WHOLE_FOLDER, [own[1]] * 3), (1.5, [1.5] * 3)):
        for fused, image, gain in zip(read(exposure), images, expected, strict=True):
            np.testing.assert_array_equal(fused, fuser.fuse(image, VISIBLE, gain))
    assert f"Gain of the infrared images: {own[1]:.2f}, the median of 3 image(s)" in capsys.readouterr().out
