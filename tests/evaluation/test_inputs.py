"""The kinds of input that the table compares."""

import numpy as np
import pytest

from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.errors import InputError, StopSignal
from bilevel_jax.evaluation.inputs import KINDS, ConcatenatedInputs, InputSource, input_image
from bilevel_jax.images.files import write_image
from bilevel_jax.inference.fuser import Fuser

FUSER = Fuser(lambda params, ir, luma: 0.25 * ir + 0.75 * luma, {}, radius=0)


class Source:
    names, groups, class_names, label_names = ["a", "b"], None, ("person",), ()

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return {
            "ir": np.full((8, 9, 1), 200, np.uint8),
            "vis": np.full((8, 9, 3), 40 + index, np.uint8),
            "index": np.int64(index),
        }


@pytest.mark.parametrize(("kind", "level"), [("ir", 200), ("vis", 40), ("average", 120), ("fused", 80), ("max", 200)])
def test_levels(kind, level):
    image = input_image(kind, Source()[0], FUSER)
    assert image.shape == (8, 9, 3) and image.dtype == np.uint8
    np.testing.assert_array_equal(image, level)


def test_the_kinds_of_the_table_are_known_and_others_are_not():
    for kind in KINDS:
        assert input_image(kind, Source()[0], FUSER).shape == (8, 9, 3)
    with pytest.raises(InputError, match="'median'.*average, max, laplacian"):
        input_image("median", Source()[0], FUSER)


def test_rules_take_options_and_so_does_the_infrared_image():
    dim = {
        "ir": np.tile(np.uint8([20, 40]), 20)[None, :, None] * np.ones((8, 1, 1), np.uint8),
        "vis": np.full((8, 40, 3), 20, np.uint8),
    }
    # The mean is 30 levels; the exposure brings it to 0.3 of 255.
    np.testing.assert_array_equal(input_image("ir+exposed", dim, None)[0, :2, 0], [51, 102])
    np.testing.assert_array_equal(input_image("max+exposed+light", dim, None)[0, :2, 0], [51, 102])
    for kind, message in (
        ("vis+exposed", "only after a rule"),
        ("max+exposd", "did you mean exposed"),
        ("fused+hue", "'fused.hue' is not known"),
    ):
        with pytest.raises(InputError, match=message):
            input_image(kind, dim, FUSER)


def test_average_keeps_the_colour_of_the_visible_image():
    record = {"ir": np.full((8, 9, 1), 120, np.uint8), "vis": np.tile(np.uint8([150, 100, 60]), (8, 9, 1))}
    image = input_image("average", record, FUSER)[0, 0].astype(int)
    assert abs(image[0] - image[1] - 50) <= 1 and abs(image[1] - image[2] - 40) <= 1


def test_a_source_of_inputs_changes_the_visible_image_alone():
    inputs = InputSource(Source(), "fused", FUSER)
    assert len(inputs) == 2 and inputs.names == ["a", "b"]
    np.testing.assert_array_equal(inputs[1]["vis"], round(0.25 * 200 + 0.75 * 41))
    np.testing.assert_array_equal(inputs[1]["ir"], 200)


def test_kinds_of_input_follow_each_other_in_one_source():
    both = ConcatenatedInputs([InputSource(Source(), kind, FUSER) for kind in ("ir", "vis")])
    assert len(both) == 4 and both.names == ["a", "b", "a", "b"] and both.class_names == ("person",)
    assert [int(both[i]["vis"][0, 0, 0]) for i in range(4)] == [200, 200, 40, 41]
    assert [int(both[i]["index"]) for i in range(4)] == [0, 1, 2, 3]


def test_a_stop_is_heard_between_images():
    def stop():
        raise StopSignal("now")

    with pytest.raises(StopSignal):
        InputSource(Source(), "ir", FUSER, stop)


def test_fused_images_of_a_folder(tmp_path):
    pairs = SceneSource(3, seed=1, height=48, width=64)
    for i, name in enumerate(pairs.names):
        write_image(tmp_path / f"{name}.png", np.full((48, 64), 10 * i, np.uint8))
    source = InputSource(pairs, tmp_path)
    assert source[2]["vis"].shape == (48, 64, 3) and (source[2]["vis"] == 20).all()
    write_image(tmp_path / f"{pairs.names[1]}.png", np.zeros((64, 48), np.uint8))
    with pytest.raises(InputError, match=f"{pairs.names[1]}.png has 48 x 64 pixels; expected 64 x 48"):
        InputSource(pairs, tmp_path)
    (tmp_path / f"{pairs.names[0]}.png").unlink()
    with pytest.raises(InputError, match=rf"lacks 1 of 3 images \({pairs.names[0]}\)"):
        InputSource(pairs, tmp_path)


def test_switch_shows_the_visible_image_by_day_and_the_maximum_by_night():
    source = Source()
    source.names = ["1D", "2N"]
    images = InputSource(source, "switch").images
    np.testing.assert_array_equal(images[0], 40)
    np.testing.assert_array_equal(images[1], 200)
