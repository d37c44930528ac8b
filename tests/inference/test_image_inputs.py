"""What a fuser takes beside NumPy arrays: paths, Pillow's images, tensors, channels first, batches."""

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from bilevel_jax.errors import InputError
from bilevel_jax.images.files import scale_raw, scale_visible, write_image
from bilevel_jax.images.strips import STRIP
from bilevel_jax.inference import TrivialFuser

RNG = np.random.default_rng(3)
IR = RNG.integers(0, 256, (20, 31)).astype(np.uint8)
VIS = RNG.integers(0, 256, (20, 31, 3)).astype(np.uint8)
FUSER = TrivialFuser("average")
FUSED = FUSER.fuse(IR, VIS)


class Tensor:
    """Stands in for a tensor of torch: NumPy reads it by `__array__`, unless it is on a GPU."""

    def __init__(self, values, on_gpu=False):
        self._values, self._on_gpu = values, on_gpu

    def __array__(self, dtype=None):
        if self._on_gpu:
            raise TypeError("can't convert cuda:0 device type tensor to numpy")
        return self._values


@pytest.fixture
def files(tmp_path):
    write_image(tmp_path / "ir.png", IR)
    write_image(tmp_path / "vis.png", VIS)
    return tmp_path / "ir.png", tmp_path / "vis.png"


def test_files_by_their_paths(files):
    for pair in (files, [str(path) for path in files]):
        np.testing.assert_array_equal(FUSER.fuse(*pair), FUSED)
    np.testing.assert_array_equal(FUSER.fuse(files[0], VIS), FUSED)


def test_raw_counts_of_a_file_are_scaled_and_those_of_an_array_are_not(tmp_path):
    counts = RNG.integers(3000, 3900, (20, 31)).astype(np.uint16)
    write_image(tmp_path / "raw.png", counts)
    scaled = FUSER.fuse(scale_raw(counts), VIS)
    with Image.open(tmp_path / "raw.png") as image:
        for raw in (tmp_path / "raw.png", image):
            np.testing.assert_array_equal(FUSER.fuse(raw, VIS), scaled)
    assert abs(FUSER.fuse(counts, VIS).astype(int) - scaled).max() > 50


def test_a_visible_file_of_12_bits_gets_the_full_range_and_a_warning_says_so(files):
    levels = np.uint16(VIS) * 16
    write_image(files[1], levels)
    with pytest.warns(UserWarning, match=r"vis.png holds 16 bits of which at most 12 are used"):
        fused = FUSER.fuse(files[0], files[1])
    np.testing.assert_array_equal(fused, FUSER.fuse(IR, scale_visible(levels).levels))
    assert fused.max() > 50_000


def test_images_of_pillow():
    np.testing.assert_array_equal(FUSER.fuse(Image.fromarray(IR), Image.fromarray(VIS)), FUSED)
    with_alpha = Image.fromarray(np.dstack([VIS, IR]))
    np.testing.assert_array_equal(FUSER.fuse(Image.fromarray(IR).convert("LA"), with_alpha), FUSED)
    palette = Image.fromarray(VIS).quantize(16)
    np.testing.assert_array_equal(FUSER.fuse(IR, palette), FUSER.fuse(IR, np.asarray(palette.convert("RGB"))))


def test_an_image_of_pillow_is_turned_upright(tmp_path):
    tags = Image.Exif()
    tags[0x0112] = 6  # to be turned clockwise by a quarter
    Image.fromarray(np.rot90(VIS)).save(tmp_path / "turned.png", exif=tags)
    with Image.open(tmp_path / "turned.png") as image:
        np.testing.assert_array_equal(FUSER.fuse(IR, image), FUSED)


def test_a_damaged_image_of_pillow_is_refused(files):
    files[1].write_bytes(files[1].read_bytes()[:400])
    with Image.open(files[1]) as image, pytest.raises(InputError, match="visible image of Pillow cannot be read"):
        FUSER.fuse(IR, image)


def test_tensors_and_channels_first():
    floats = [image.astype(np.float32) / 255 for image in (IR, VIS)]
    expected = FUSER.fuse(*floats)
    first = np.moveaxis(floats[1], -1, 0)
    for visible in (first, Tensor(first), jnp.asarray(first)):
        fused = FUSER.fuse(Tensor(floats[0][None]), visible)
        assert fused.shape == (3, 20, 31) and fused.dtype == np.float32
        np.testing.assert_array_equal(np.moveaxis(fused, 0, -1), expected)
    with pytest.raises(InputError, match=r"visible image is a Tensor .*cuda:0.*tensor\.detach\(\)\.cpu\(\)"):
        FUSER.fuse(IR, Tensor(VIS, on_gpu=True))


def test_a_list_is_a_batch_of_images_of_any_size(files):
    fused = FUSER.fuse([IR, files[0], IR[:9]], [VIS, Image.fromarray(VIS), VIS[:9]])
    assert isinstance(fused, list)
    for own, expected in zip(fused, [FUSED, FUSED, FUSED[:9]], strict=True):
        np.testing.assert_array_equal(own, expected)


@pytest.mark.parametrize("channels_first", [False, True])
def test_an_array_of_four_axes_is_a_batch(channels_first):
    ir, vis = np.stack([IR, IR[::-1]])[..., None], np.stack([VIS, VIS[::-1]])
    turn = (lambda images: np.moveaxis(images, -1, 1)) if channels_first else (lambda images: images)
    fused = FUSER.fuse(turn(ir), turn(vis))
    np.testing.assert_array_equal(fused, turn(np.stack([FUSED, FUSED[::-1]])))


def test_batches_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="2 infrared and 1 visible"):
        FUSER.fuse([IR, IR], [VIS])
    with pytest.raises(InputError, match="2 infrared and 3 visible"):
        FUSER.fuse(np.stack([IR] * 2)[..., None], np.stack([VIS] * 3))
    with pytest.raises(InputError, match="two lists"):
        FUSER.fuse([IR], VIS)
    with pytest.raises(InputError, match="two batches"):
        FUSER.fuse(IR, np.stack([VIS] * 3))


def test_messages_name_the_files(files, tmp_path):
    write_image(tmp_path / "small.png", IR[:9])
    with pytest.raises(InputError, match=r"small\.png and .*vis\.png: The infrared image is 31 x 9 pixels"):
        FUSER.fuse(tmp_path / "small.png", files[1])
    with pytest.raises(InputError, match=r"none\.png does not exist"):
        FUSER.fuse(files[0], tmp_path / "none.png")


@pytest.mark.parametrize("color", ["chroma", "hue", "light"])
def test_a_large_image_is_coloured_in_strips_as_if_at_once(color, monkeypatch):
    ir, vis = np.tile(IR, (4, 3)), np.tile(VIS, (4, 3, 1))
    fuser = FUSER.with_color(color)
    assert ir.size < STRIP
    at_once = fuser.fuse(ir, vis)
    monkeypatch.setattr("bilevel_jax.images.strips.STRIP", 500)
    np.testing.assert_array_equal(fuser.fuse(ir, vis), at_once)
