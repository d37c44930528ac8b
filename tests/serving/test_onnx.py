"""An exported network returns what the Fuser returns, for images of any size, and needs no JAX to run."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.commands.convert import convert_command
from bilevel_jax.errors import InputError, run_command
from bilevel_jax.inference import Fuser
from bilevel_jax.models import fusion_network
from bilevel_jax.models.fusion import VARIANTS

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from bilevel_jax.serving import OnnxFuser  # noqa: E402
from bilevel_jax.serving.onnx_export.export import export_onnx  # noqa: E402

# Odd and tiny sizes, smaller than a window of constant pixels and smaller than the mirrored border.
SIZES = [(1, 1), (1, 7), (3, 2), (2, 13), (5, 40), (9, 9), (17, 33), (29, 51), (61, 83), (131, 97)]


def pair(height, width, channels, seed=0):
    """A dim infrared and a visible image with coarse and fine structure."""
    random = np.random.default_rng(seed)
    coarse = np.kron(random.random((height // 8 + 1, width // 8 + 1, 4)), np.ones((8, 8, 1)))[:height, :width]
    images = np.round(255 * np.clip(0.8 * coarse + 0.2 * random.random((height, width, 4)), 0, 1)).astype(np.uint8)
    return images[..., 0] // 3, images[..., 1 : 1 + channels]


def levels_apart(one, other):
    assert one.shape == other.shape and one.dtype == other.dtype
    return np.abs(one.astype(int) - other.astype(int)).max()


@pytest.fixture(scope="module")
def heat(tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "heat.onnx"
    fuser = Fuser.pretrained()
    export_onnx(fuser, path)
    return fuser, OnnxFuser(path, threads=1), path


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_it_equals_the_fuser_to_one_level(heat, size, channels):
    fuser, exported, _ = heat
    infrared, visible = pair(*size, channels)
    assert levels_apart(exported.fuse(infrared, visible), fuser.fuse(infrared, visible)) <= 1
    assert exported.exposure_of(infrared) == pytest.approx(fuser.exposure_of(infrared), abs=1e-4)


def test_grey_stays_grey_and_constant_areas_do_not_count(heat):
    fuser, exported, _ = heat
    infrared, visible = pair(60, 70, 1)
    infrared[:, :30] = 0  # a black bar
    grey = np.repeat(visible, 3, axis=-1)
    fused = exported.fuse(infrared, grey)
    assert (fused == fused[..., :1]).all()
    assert levels_apart(fused, fuser.fuse(infrared, grey)) <= 1
    assert exported.exposure_of(infrared) == pytest.approx(fuser.exposure_of(infrared), abs=1e-4) != 1.0


def test_a_batch_and_a_given_gain(heat):
    fuser, exported, _ = heat
    pairs = [pair(33, 40, 3, seed) for seed in range(3)]
    infrared, visible = (np.stack(images) for images in zip(*pairs, strict=True))
    expected = fuser.fuse(infrared[..., None], visible, exposure=1.7)
    assert levels_apart(exported.fuse(infrared[..., None], visible, exposure=1.7), expected) <= 1
    assert levels_apart(exported.fuse(infrared[..., None], visible), expected) > 1


def test_infrared_in_colour_and_channels_first(heat):
    fuser, exported, _ = heat
    infrared, visible = pair(24, 31, 3)
    infrared = np.stack([infrared, infrared, infrared // 2], axis=-1)
    visible = np.moveaxis(visible, -1, 0)
    assert levels_apart(exported.fuse(infrared, visible), fuser.fuse(infrared, visible)) <= 1


# Every compilation takes seconds: two networks that differ most, and the others among the slow tests.
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in ("tiny", "pyramid") else pytest.mark.slow) for name in sorted(VARIANTS)],
)
def test_every_network_can_be_exported(name, tmp_path):
    network = fusion_network(name)
    images = jnp.zeros((1, 64, 64, 1))
    params = network.init(jax.random.key(1), images, images)
    # Untrained heads are zeros: any other values show more.
    params = jax.tree.map(lambda leaf: leaf + 0.05 * jnp.sin(jnp.arange(leaf.size)).reshape(leaf.shape), params)
    fuser = Fuser(network.apply, params, radius=network.receptive_radius, color="hue")
    export_onnx(fuser, tmp_path / "network.onnx", "float32")
    exported = OnnxFuser(tmp_path / "network.onnx", threads=1)
    for size in ((5, 6), (37, 70)):
        infrared, visible = (image.astype(np.float32) / 255 for image in pair(*size, 3))
        np.testing.assert_allclose(exported.fuse(infrared, visible), fuser.fuse(infrared, visible), atol=1 / 255)


def test_deep_images_through_a_file_for_floats(tmp_path):
    fuser = Fuser(lambda params, ir, luma: (ir + luma) / 2, {}, radius=0)
    export_onnx(fuser, tmp_path / "mean.onnx", "float32")
    infrared, visible = (image.astype(np.uint16) * 257 for image in pair(20, 30, 3))
    exported = OnnxFuser(tmp_path / "mean.onnx").fuse(infrared, visible)
    assert levels_apart(exported, fuser.fuse(infrared, visible)) <= 1  # of 65535


def test_it_runs_where_jax_is_not_installed(heat, tmp_path):
    fuser, _, path = heat
    infrared, visible = pair(30, 41, 3)
    np.savez(tmp_path / "pair.npz", infrared=infrared, visible=visible)
    blocked = ["jax", "jaxlib", "flax", "jaxtyping", "PIL", "onnx", "scipy", "ml_collections"]
    code = (
        f"import sys\nfor name in {blocked}: sys.modules[name] = None\n"
        "import numpy as np\nfrom bilevel_jax.serving import OnnxFuser\n"
        f"pair = np.load({str(tmp_path / 'pair.npz')!r})\n"
        f"fused = OnnxFuser({str(path)!r}, threads=1).fuse(pair['infrared'], pair['visible'])\n"
        f"np.save({str(tmp_path / 'fused.npy')!r}, fused)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert levels_apart(np.load(tmp_path / "fused.npy"), fuser.fuse(infrared, visible)) <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((4, 5), np.uint8), np.zeros((4, 6), np.uint8)), "1 x 5 x 4 pixels and the visible 1 x 6 x 4"),
        ((np.zeros((4, 5), np.uint16), np.zeros((4, 5), np.uint8)), "has the type uint16 .* --dtype=float32"),
        ((np.zeros((4, 5, 2), np.uint8), np.zeros((4, 5), np.uint8)), r"has the shape \(4, 5, 2\)"),
        ((np.zeros((4, 5), np.uint8), np.zeros((4, 5), np.uint8), -1.0), "The exposure is -1.0"),
    ],
)
def test_what_it_cannot_fuse_gets_one_sentence(heat, arguments, message):
    with pytest.raises(InputError, match=message):
        heat[1].fuse(*arguments)


def test_another_file_is_refused(tmp_path):
    (tmp_path / "other.onnx").write_bytes(b"not a model")
    with pytest.raises(InputError, match="cannot be read as an ONNX model"):
        OnnxFuser(tmp_path / "other.onnx")
    with pytest.raises(InputError, match="is not there"):
        OnnxFuser(tmp_path / "none.onnx")


def test_the_command_writes_a_file_that_says_what_it_is(tmp_path, capsys):
    out = tmp_path / "fuser.onnx"
    assert run_command(convert_command, ["convert.py", "onnx", f"--out={out}", "--color=hue"]) == 0
    assert "heat with the colour hue, for uint8 images" in capsys.readouterr().out
    assert OnnxFuser(out).metadata == {
        "weights": "heat", "color": "hue", "strength": "0.9", "maximum_gain": "4", "images": "uint8"
    }  # fmt: skip
    assert run_command(convert_command, ["convert.py", "onnx", f"--out={tmp_path / 'fuser.bin'}"]) == 2
    assert "ends in .onnx" in capsys.readouterr().err
