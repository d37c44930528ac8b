"""Direction and units of a transform, and its file."""

import json

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.registration import Transform, corner_distance, move_infrared, read_transform, write_transform
from bilevel_jax.registration.transform import shrunk, whole_frame

SHIFT = Transform("translation", [[1, 0, 14], [0, 1, 6], [0, 0, 1]], (40, 60), (40, 60))
DOUBLE = Transform("similarity", whole_frame((40, 60), (80, 120)), (40, 60), (80, 120))


def test_a_point_of_the_visible_image_is_mapped_to_the_infrared_image():
    np.testing.assert_allclose(SHIFT.to_infrared(np.array([[3.0, 4.0]])), [[17, 10]])
    np.testing.assert_allclose(SHIFT.to_visible(np.array([[17.0, 10.0]])), [[3, 4]])


def test_the_infrared_image_is_moved_by_a_whole_shift_without_a_change_of_levels():
    image = np.random.default_rng(0).integers(0, 65536, (40, 60, 1)).astype(np.uint16)
    moved = move_infrared(image, SHIFT)
    assert moved.image.dtype == np.uint16
    np.testing.assert_array_equal(moved.image[:34, :46], image[6:, 14:])
    np.testing.assert_array_equal(moved.covered, np.outer(np.arange(40) < 34, np.arange(60) < 46))
    np.testing.assert_array_equal(moved.image[34:, :46], np.broadcast_to(image[39:, 14:], (6, 46, 1)))  # repeated


def test_each_image_is_counted_in_its_own_pixels():
    # The centre of the top left pixel of the small image lies between the first two pixels of the large one.
    np.testing.assert_allclose(DOUBLE.to_infrared(np.array([[0.0, 0.0], [59, 39]])), [[0.5, 0.5], [118.5, 78.5]])
    ramp = np.tile(np.arange(8, 128, dtype=np.float32) / 128, (80, 1))
    moved = move_infrared(ramp, DOUBLE)
    assert moved.image.shape == (40, 60, 1) and moved.covered.all()
    np.testing.assert_allclose(moved.image[0, :, 0], (2 * np.arange(60) + 8.5) / 128, atol=1e-6)


def test_a_larger_infrared_image_is_averaged_and_not_picked_from():
    noise = np.random.default_rng(0).uniform(0, 1, (160, 240)).astype(np.float32)
    four = Transform("similarity", whole_frame((40, 60), (160, 240)), (40, 60), (160, 240))
    assert move_infrared(noise, four).image.std() < 0.4 * noise.std()  # 1 / 4 for means of 16


def test_other_aspect_ratios_keep_square_pixels_about_the_middle():
    matrix = whole_frame((1080, 1920), (480, 640))
    assert matrix[0, 0] == matrix[1, 1] == pytest.approx(np.sqrt(480 / 1080 * 640 / 1920))
    np.testing.assert_allclose(matrix @ [959.5, 539.5, 1], [319.5, 239.5, 1])


def test_what_lies_behind_the_camera_is_not_covered():
    matrix = np.array([[1, 0, 0], [0, 1, 0], [-1 / 30, 0, 1.0]])
    moved = move_infrared(np.ones((40, 60), np.float32), Transform("homography", matrix, (40, 60), (40, 60)))
    assert not moved.covered[:, 30:].any() and moved.covered[:20, :5].all()


def test_black_wedges_of_the_file_are_no_data():
    image = np.random.default_rng(0).integers(60, 256, (40, 60)).astype(np.uint8)
    image[10:20, 20:30] = 0  # black inside of the picture is a cold thing
    wedge = np.add.outer(np.arange(40), np.arange(60)) < 25
    image[wedge] = 0
    covered = move_infrared(image, Transform("translation", np.eye(3), (40, 60), (40, 60))).covered
    assert not covered[wedge].any() and covered[np.add.outer(np.arange(40), np.arange(60)) > 32].all()
    small = np.where(np.add.outer(np.arange(40), np.arange(60)) < 4, 0, image.max())  # a few dark pixels are a picture
    assert move_infrared(small, Transform("translation", np.eye(3), (40, 60), (40, 60))).covered.all()


def test_pixels_of_a_shrunk_image():
    np.testing.assert_allclose(shrunk((4, 2)) @ [0, 0, 1], [1.5, 0.5, 1])


def test_corner_distance_is_in_pixels_of_the_visible_image():
    identity = Transform("translation", np.eye(3), (40, 60), (40, 60))
    assert corner_distance(identity, SHIFT) == pytest.approx(np.hypot(14, 6))
    shifted = Transform("similarity", DOUBLE.matrix + [[0, 0, 6], [0, 0, 8], [0, 0, 0]], (40, 60), (80, 120))
    assert corner_distance(DOUBLE, shifted) == pytest.approx(5)


@pytest.mark.parametrize(
    "matrix", [np.zeros((3, 3)), np.eye(2), np.diag([1, 1, np.nan])], ids=["singular", "small", "nan"]
)
def test_a_matrix_that_is_no_transform(matrix):
    with pytest.raises(InputError, match="3 x 3, finite and invertible"):
        Transform("affine", matrix, (4, 4), (4, 4))


def test_the_infrared_image_must_have_the_size_of_the_transform():
    with pytest.raises(InputError, match="50 x 40 pixels, but the transform is for 60 x 40"):
        move_infrared(np.zeros((40, 50), np.uint8), SHIFT)


def test_a_file_holds_the_transform(tmp_path):
    write_transform(tmp_path / "new" / "rig.json", DOUBLE)
    back = read_transform(tmp_path / "new" / "rig.json")
    np.testing.assert_array_equal(back.matrix, DOUBLE.matrix)
    assert (back.kind, back.visible_size, back.infrared_size) == ("similarity", (40, 60), (80, 120))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"kind": "magic"}, "kind is 'magic'"),
        ({"matrix": "x"}, "not made of numbers"),
        ({"matrix": [[1, 2], [3]]}, "not made of numbers"),
        ({"matrix": [[1, 0], [0, 1]]}, "rig.json: The matrix"),
        ({"visible_size": [40, 60]}, "visible_size is"),
        ({"infrared_size": {"height": 0, "width": 3}}, "infrared_size is"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, change, message):
    path = tmp_path / "rig.json"
    write_transform(path, SHIFT)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=message):
        read_transform(path)


@pytest.mark.parametrize("text, message", [("{", "no JSON"), ("[]", "kind is missing"), ("{}", "kind is missing")])
def test_a_file_of_something_else_is_refused(tmp_path, text, message):
    (tmp_path / "rig.json").write_text(text)
    with pytest.raises(InputError, match=message):
        read_transform(tmp_path / "rig.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_transform(tmp_path / "missing.json")
