"""Sets of pairs: day and night, neighbouring frames, and the figures of methods."""

import json

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.appearance.appearance_table import appearance_text, make_table, write_appearance
from bilevel_jax.evaluation.appearance.distance import luma_distances
from bilevel_jax.evaluation.appearance.measure_set import Group, _fused_again, measure_set
from bilevel_jax.evaluation.appearance.methods import (
    Method,
    folder_method,
    folder_of_set,
    fuser_method,
    named_method,
)
from bilevel_jax.evaluation.appearance.neighbours import are_neighbours, coarse
from bilevel_jax.evaluation.appearance.pair_set import PairSet, SourcePair, set_of_files
from bilevel_jax.images.files import write_image
from bilevel_jax.inference import Fuser
from bilevel_jax.inference.pairing import find_pairs
from bilevel_jax.metrics.appearance import MEASURES

SIZE = (160, 192)
SCENE = np.random.default_rng(0).integers(0, 120, (10, 12)).repeat(16, 0).repeat(16, 1).astype(np.uint8)


def street(index):
    """Three frames of a fixed camera by day, then three by night."""
    level = 100 if index < 3 else 0
    return SourcePair(SCENE[..., None] // 2, np.repeat(SCENE[..., None] // 2 + level + index, 3, axis=-1), None)


VIDEO = PairSet("street", [str(i) for i in range(6)], street, None)


def test_day_and_night_by_the_visible_mean_or_as_the_data_says():
    assert VIDEO.lights() == ["day"] * 3 + ["night"] * 3
    assert VIDEO._replace(groups=["night"] * 6).lights() == ["night"] * 6
    assert VIDEO._replace(groups=["campus"] * 6).lights() == VIDEO.lights()  # a group of another kind does not say
    by_names = VIDEO._replace(names=[f"{i}{'ND'[i % 2]}" for i in range(6)])
    assert by_names._replace(groups=["campus"] * 6).lights() == ["night", "day"] * 3  # the names say it before the mean


def test_neighbours_show_nearly_the_same():
    pairs = [coarse(street(i)) for i in range(6)]
    assert are_neighbours(pairs[0], pairs[1]) and are_neighbours(pairs[2], pairs[3])
    turned = SourcePair(SCENE[::-1, :, None], street(1).visible, None)  # another scene for one camera is enough
    plain = SourcePair(np.full((*SIZE, 1), 9, np.uint8), street(1).visible, None)
    smaller = SourcePair(SCENE[16:, :, None], street(1).visible[16:], None)
    assert not any(are_neighbours(pairs[0], coarse(other)) for other in (turned, plain, smaller))


def test_the_figures_of_a_set():
    groups = measure_set(VIDEO, [Method("steady", lambda infrared, visible: visible)])
    assert [(group.set_name, group.light, group.pairs) for group in groups] == [
        ("street", "day", 3),
        ("street", "night", 3),
    ]
    day, night = (group.rows["steady"] for group in groups)
    assert day["daylight"] == pytest.approx(1) and np.isnan(night["daylight"])
    assert day["flicker"] == night["flicker"] == day["frame"] == day["crop"] == 0


def test_the_distance_to_the_pictures_of_other_methods():
    methods = [Method("copy", lambda infrared, visible: visible), Method("brighter", lambda _, visible: visible + 7)]
    others = [named_method("vis"), methods[1], named_method("switch")]
    day, night = measure_set(VIDEO, methods, others=others)
    assert list(day.distances) == ["copy", "brighter"] and list(day.distances["copy"]) == ["vis", "brighter", "switch"]
    assert day.distances["copy"] == {"vis": 0, "brighter": 7, "switch": 0}
    # By night `switch` is the maximum, and the visible image of these scenes is the brighter one.
    assert night.distances["brighter"] == {"vis": 7, "brighter": 0, "switch": 7}
    deep = luma_distances({"a": np.full((2, 2, 3), 257 * 9, np.uint16)}, {"b": np.full((2, 2, 1), 4, np.uint8)})
    assert deep == {"a": {"b": 5}}


def test_a_fuser_that_measures_an_exposure_keeps_it_for_a_crop_and_not_for_a_frame():
    """The network is local. The infrared image is noise with a dim middle, which alone would have another exposure."""
    noise = np.random.default_rng(3).integers(0, 160, (*SIZE, 1)).astype(np.uint8)
    noise[40:120, 48:144] //= 2
    pairs = VIDEO._replace(read=lambda index: SourcePair(noise, street(index).visible, None))
    fuser = Fuser(lambda params, ir, luma: (ir + luma) / 2, {}, radius=0, exposure=4.0)
    kept, anew = fuser_method("kept", fuser), Method("anew", fuser.fuse)
    day, _ = measure_set(pairs, [kept, anew])
    assert day.rows["kept"]["frame"] == day.rows["kept"]["crop"] == day.rows["anew"]["frame"] == 0
    assert day.rows["anew"]["crop"] > 5
    assert named_method("max").exposed_as is None


def test_images_in_files_have_no_frame_and_may_flicker(tmp_path):
    for i, jump in enumerate([0, 50, 0, 0, 0, 50]):
        write_image(tmp_path / f"{i}.png", street(i).visible + np.uint8(jump))
    day, night = (group.rows["jumps"] for group in measure_set(VIDEO, [folder_method("jumps", tmp_path, VIDEO)]))
    # The sources rise by 1. By day the fused mean rises by 51 and falls by 49; by night it rises by 1 and by 51.
    assert day["flicker"] == pytest.approx((50 + 48) / 2) and night["flicker"] == pytest.approx((0 + 50) / 2)
    assert np.isnan(day["frame"]) and np.isnan(day["crop"])


def test_frame_and_crop_take_eight_pairs_of_each_group():
    lights = ["day"] * 30 + ["night"] * 5
    chosen = _fused_again(lights)
    assert len(chosen) == 13 and {0, 29, 30, 34} <= chosen


def figures(**given):
    return {name: given.get(name, float("nan")) for name in MEASURES}


TABLE = make_table(
    [
        Group("a", "day", 2, {"m": figures(daylight=0.9, sky=0.1), "n": figures(daylight=0.2)}),
        Group("b/val", "night", 1, {"m": figures(noise=2.0), "n": figures(noise=1.0)}),
        Group("c", "day", 3, {"m": figures(daylight=0.5, sky=0.0), "n": figures(daylight=0.7)}),
    ]
)


def test_the_worst_group_stands_in_front(tmp_path):
    text = appearance_text(TABLE)
    assert text.startswith("Appearance, worst, of 3 groups:")
    assert text.index("worst") < text.index("a by day, 2 pairs") < text.index("b/val by night, 1 pair:")
    worst = {line.split()[1]: line.split()[2:] for line in text.splitlines() if line.startswith("worst")}
    assert worst["m"][0] == "0.500" and worst["n"][0] == "0.200"
    write_appearance(tmp_path, TABLE)
    found = json.loads((tmp_path / "appearance.json").read_text())
    assert found["worst"]["m"]["daylight"] == {"value": 0.5, "set": "c", "light": "day"}
    assert found["worst"]["m"]["sky"] == {"value": 0.1, "set": "a", "light": "day"}
    assert found["worst"]["n"]["sky"] == {"value": None, "set": "", "light": ""}
    assert (
        found["groups"][1]["rows"]["m"]["daylight"] is None and "NaN" not in (tmp_path / "appearance.json").read_text()
    )
    assert "| b/val by night |" in (tmp_path / "appearance.md").read_text()


def test_the_smallest_distance_stands_in_front(tmp_path):
    near, far = ({"m": {"vis": vis}, "n": {"vis": 30.0}} for vis in (0.25, 12.0))
    groups = [group._replace(distances=own) for group, own in zip(TABLE.groups, (far, near, far), strict=True)]
    table = make_table(groups)
    text = appearance_text(table)
    assert text.startswith(appearance_text(TABLE)) and "Distance" not in appearance_text(TABLE)
    below = text[text.index("Distance") :]
    assert below.index("smallest, of 3 groups") < below.index("a by day, 2 pairs") < below.index("b/val by night")
    smallest = {line.split()[1]: line.split()[2:] for line in below.splitlines() if line.startswith("smallest")}
    assert smallest == {"m": ["0.25"], "n": ["30.00"]}
    write_appearance(tmp_path / "with", table)
    write_appearance(tmp_path / "without", TABLE)
    found, plain = (json.loads((tmp_path / name / "appearance.json").read_text()) for name in ("with", "without"))
    assert found.pop("nearest")["m"] == {"vis": {"value": 0.25, "set": "b/val", "light": "night"}}
    assert [group.pop("distances")["m"]["vis"] for group in found["groups"]] == [12.0, 0.25, 12.0]
    assert found == plain


def test_one_group_is_its_own_worst():
    assert "worst" not in appearance_text(make_table(TABLE.groups[:1]))


@pytest.fixture
def files(tmp_path):
    for name in ("1D", "2N"):
        write_image(tmp_path / "ir" / f"{name}.png", SCENE)
        write_image(tmp_path / "vi" / f"{name}.png", np.repeat(SCENE[..., None], 3, axis=-1))
        write_image(tmp_path / "fused" / "s" / f"{name}.png", SCENE[:-1] if name == "2N" else SCENE)
    (tmp_path / "boxes").mkdir()
    (tmp_path / "boxes" / "2N.txt").write_text("7 0.5 0.5 0.25 0.5\n")
    return tmp_path


def test_a_set_of_files(files):
    pairs = set_of_files(find_pairs(files / "ir", files / "vi"), "s", files / "boxes")
    assert pairs.lights() == ["day", "night"] and pairs.read(0).boxes is None
    np.testing.assert_allclose(pairs.read(1).boxes, [[40, 72, 120, 120]])
    for folder, message in (
        ("none", "is no folder"),
        ("ir", "has no text file for any of the images; expected files such as 1D.txt"),
    ):
        with pytest.raises(InputError, match=message):
            set_of_files(find_pairs(files / "ir", files / "vi"), "s", files / folder)


def test_a_folder_of_images(files):
    pairs = set_of_files(find_pairs(files / "ir", files / "vi"), "s")
    assert folder_of_set(files / "fused", "s/val") == folder_of_set(files / "fused", "s") == files / "fused" / "s"
    assert folder_of_set(files / "fused", "t") == files / "fused"
    method = folder_method("m", files / "fused" / "s", pairs)
    assert method.image("1D", pairs.read(0), "day").shape == (*SIZE, 1)
    with pytest.raises(InputError, match="2N.png is 192 x 159 pixels, expected 192 x 160"):
        method.image("2N", pairs.read(1), "night")
    with pytest.raises(InputError, match="m=.*none is no folder"):
        folder_method("m", files / "none", pairs)
    with pytest.raises(InputError, match=r"m misses 2 of 2 images \(1D, 2N\)"):
        folder_method("m", files / "boxes", pairs)


def test_methods_by_name():
    pair = street(0)
    np.testing.assert_array_equal(named_method("ir").image("0", pair, "day"), np.repeat(pair.infrared, 3, axis=-1))
    np.testing.assert_array_equal(named_method("vi").image("0", pair, "day"), pair.visible)
    np.testing.assert_array_equal(named_method("max").image("0", pair, "day"), np.maximum(pair.infrared, pair.visible))
    assert named_method("ir+exposed").image("0", pair, "day").mean() > 1.5 * pair.infrared.mean()
    switch = named_method("switch")
    for light, expected in (("day", pair.visible), ("night", np.maximum(pair.infrared, pair.visible))):
        np.testing.assert_array_equal(switch.image("0", pair, light), expected)
        np.testing.assert_array_equal(switch.at(light)(pair.infrared, pair.visible), expected)
    with pytest.raises(InputError, match="'maxx' is not known"):
        named_method("maxx")
