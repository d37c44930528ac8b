"""Real pairs as cells and as pictures: labels from boxes, times of day, and what a rule shows at full size."""

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.bilevel_study.fusion_basis import NAMES, SIZE
from bilevel_jax.evaluation.bilevel_study.likeness import likeness
from bilevel_jax.evaluation.bilevel_study.pair_cells import covered_pixels, load_pair_cells
from bilevel_jax.evaluation.bilevel_study.pair_pictures import fused_pair, write_pair_pictures
from bilevel_jax.evaluation.bilevel_study.scene_cells import COLUMNS, group_number
from bilevel_jax.images.color import luma
from bilevel_jax.images.files import read_image, to_float


@pytest.fixture(scope="module")
def pairs(made_pairs):
    return load_pair_cells(made_pairs(6, bare=1), "made pairs")


def test_cells_show_the_classes_of_their_boxes(pairs):
    """The boxes of 48 x 64 pixels are twice as large in the cells' pictures; nobody shows a bicycle."""
    assert pairs.source.names == ["00000D", "00002D", "00003N", "00004N", "00005N"]
    np.testing.assert_array_equal(pairs.cells.groups, [group_number(name) for name in ["day"] * 2 + ["night"] * 3])
    expected = np.zeros((48, 2), bool)
    expected[COLUMNS, 0] = expected[1, 1] = True
    np.testing.assert_array_equal(pairs.cells.labels, np.broadcast_to(expected, (5, 48, 2)))


def test_covered_pixels_are_counted_once_for_each_class():
    boxes = np.array([[0, 0, 4, 16], [2, 0, 6, 16], [0, 0, 96, 128], [0, 16, 1, 17]], np.float32)
    found = covered_pixels(boxes, np.array([0, 0, -1, 1]), 2)
    assert found[0].tolist() == [96, 0] and found[1].tolist() == [0, 1] and found[2:].sum() == 0


def test_pairs_of_one_time_of_day_are_refused(made_pairs):
    with pytest.raises(InputError, match="made pairs has no pair by night whose boxes are annotated"):
        load_pair_cells(made_pairs(2, light="DD"), "made pairs")


@pytest.mark.parametrize("camera", ["infrared", "visible"])
def test_rule_of_one_camera_shows_it(pairs, camera):
    """The luminance is the camera's, up to scale and mean, and a rule with its sign turned inverts it."""
    sample, rule = pairs.source[0], np.zeros(SIZE)
    rule[NAMES.index(f"{camera}_one")] = 1.0
    grey = to_float(sample["ir"]) if camera == "infrared" else luma(to_float(sample["vis"]))
    found = [luma(to_float(fused_pair(sign * rule, sample))) for sign in (1, -1)]
    correlation = [np.corrcoef(grey.ravel(), picture.ravel())[0, 1] for picture in found]
    assert correlation[0] > 0.95 and correlation[1] < -0.8  # colours that cannot be shown are clipped
    assert likeness(rule, pairs.cells.spreads)[f"like_{camera}"] == pytest.approx(1)


def test_pictures_are_written_under_the_names_of_their_pairs(pairs, tmp_path):
    rule = np.ones(SIZE)
    write_pair_pictures(tmp_path / "row", rule, pairs, np.array([1, 4]))
    assert sorted(path.name for path in (tmp_path / "row").iterdir()) == ["00002D.png", "00005N.png"]
    shown = fused_pair(rule * pairs.scale, pairs.source[4])
    np.testing.assert_array_equal(read_image(tmp_path / "row" / "00005N.png"), shown)
