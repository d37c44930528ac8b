"""Fused frames: their order, levels, gain, size and orientation."""

import sys
from fractions import Fraction

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.images.files import scale_raw
from bilevel_jax.inference import TrivialFuser
from bilevel_jax.serving.video import VideoOptions, fused_frames, open_videos

from .conftest import in_color, pictures


class Recording(TrivialFuser):
    """A rule that measures a gain and remembers which gain it was given."""

    exposure = 4.0

    def __init__(self):
        super().__init__("max")
        self.gains = []

    def fuse(self, infrared, visible, exposure=None):
        self.gains.append(exposure)
        return super().fuse(infrared, visible, exposure)


def test_frames_come_in_order_and_are_fused_as_pictures_are(make_video):
    levels = np.linspace(40, 200, 12)
    infrared, visible = make_video("ir.mkv", pictures(levels)), make_video("vis.mkv", in_color(pictures(levels[::-1])))
    fuser = TrivialFuser("average")
    frames = list(fused_frames(infrared, visible, fuser))
    assert [frame.time for frame in frames] == pytest.approx(np.arange(12) / 10)
    for frame, grey, color in zip(frames, pictures(levels), in_color(pictures(levels[::-1])), strict=True):
        np.testing.assert_array_equal(frame.fused, fuser.fuse(grey, color))


def test_a_loop_that_is_left_early_ends_its_threads(make_video):
    path = make_video("ir.mkv", pictures([80] * 30)), make_video("vis.mkv", in_color(pictures([90] * 30)))
    frames = fused_frames(*path, TrivialFuser("max"))
    assert next(frames).fused.shape == (48, 64, 3)
    frames.close()


def test_raw_counts_have_one_range_for_the_whole_video(make_video):
    texture = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64) % 50
    raw = [7000 + 40 * number + texture for number in range(10)]
    video = open_videos(
        make_video("ir.mkv", raw), make_video("vis.mkv", in_color(pictures([90] * 10))), TrivialFuser("max")
    )
    low, high = video.levels.infrared_range
    assert 7000 <= low < 7050 and 7370 < high <= 7409
    for frame, counts in zip(video, raw, strict=True):
        np.testing.assert_array_equal(frame.infrared[..., 0], scale_raw(counts, (low, high)))


def test_a_given_range_is_in_the_counts_of_the_file(make_video):
    counts = [np.full((48, 64), 400 + number, np.uint16) for number in range(4)]
    path = make_video("ir.mkv", counts, pixels="gray16le")
    video = open_videos(
        path,
        make_video("vis.mkv", in_color(pictures([90] * 4))),
        TrivialFuser("max"),
        VideoOptions(infrared_range=(400, 410)),
    )
    means = [frame.infrared.mean() for frame in video]
    assert means == pytest.approx([65535 * number / 10 for number in range(4)], abs=1)


def test_the_gain_is_measured_once(make_video):
    dim = make_video("ir.mkv", pictures([20, 30, 40, 50, 60, 70, 80, 30, 30]))
    visible, fuser = make_video("vis.mkv", in_color(pictures([90] * 9))), Recording()
    list(fused_frames(dim, visible, fuser))
    assert len(fuser.gains) == 9 and len(set(fuser.gains)) == 1 and 1 < fuser.gains[0] < 4
    each = Recording()
    list(fused_frames(dim, visible, each, VideoOptions(exposure="image")))
    assert set(each.gains) == {None}


def test_a_warp_moves_every_infrared_frame(make_video):
    infrared, visible = make_video("ir.mkv", pictures([80] * 4)), make_video("vis.mkv", in_color(pictures([9] * 4)))
    plain = list(fused_frames(infrared, visible, TrivialFuser("max")))
    options = VideoOptions(warp=lambda frame: np.roll(frame, 5, axis=1))
    for before, after in zip(plain, fused_frames(infrared, visible, TrivialFuser("max"), options), strict=True):
        np.testing.assert_array_equal(after.infrared, np.roll(before.infrared, 5, axis=1))


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_the_rotation_tag_is_applied(make_video, degrees):
    corner = np.zeros((48, 64), np.uint8)
    corner[:16, :16] = 255
    path = make_video("vis.mp4", in_color([corner] * 3), codec="libx264", pixels="yuv420p", rotation=degrees)
    turned = np.rot90(corner, degrees // 90)
    frame = next(fused_frames(make_video("ir.mkv", [np.ascontiguousarray(turned)] * 3), path, TrivialFuser("max")))
    assert frame.visible.shape[:2] == turned.shape
    assert np.abs(frame.visible[..., 0].astype(int) - turned).mean() < 12


def test_pixels_that_are_not_square_become_square(make_video):
    path = make_video("vis.mp4", in_color(pictures([90] * 3)), codec="libx264", pixels="yuv420p", aspect=Fraction(3, 2))
    frame = next(fused_frames(make_video("ir.mkv", pictures([50] * 3, (48, 96))), path, TrivialFuser("max")))
    assert frame.fused.shape == (48, 96, 3)


def test_sizes_that_differ_need_resize(make_video):
    small, large = (
        make_video("ir.mkv", pictures([50] * 3, (24, 32))),
        make_video("vis.mkv", in_color(pictures([9] * 3))),
    )
    with pytest.raises(InputError, match="ir.mkv and .*vis.mkv: .* 32 x 24 .* 64 x 48; .*--resize=infrared"):
        next(fused_frames(small, large, TrivialFuser("max")))
    for resize, shape in (("infrared", (48, 64, 3)), ("visible", (24, 32, 3))):
        frame = next(fused_frames(small, large, TrivialFuser("max"), VideoOptions(resize=resize)))
        assert frame.fused.shape == shape


def test_false_colours_become_heat(make_video):
    from bilevel_jax.images.thermal.palettes import palettes

    heat = np.linspace(0, 255, 48 * 64).reshape(48, 64)
    name = next(name for name, palette in palettes().items() if palette.directed)
    colors = np.asarray(palettes()[name].colors)
    painted = colors[np.rint(heat * (len(colors) - 1) / 255).astype(int)].astype(np.uint8)
    video = open_videos(
        make_video("ir.mkv", [painted] * 3), make_video("vis.mkv", in_color(pictures([9] * 3))), TrivialFuser("max")
    )
    frame = next(iter(video))
    assert frame.infrared.shape == (48, 64, 1) and np.abs(frame.infrared[..., 0] - heat).mean() < 3
    assert any("turned back into heat" in note for note in video.notes())


def test_without_av_the_message_says_what_to_install(make_video, monkeypatch):
    infrared, visible = make_video("ir.mkv", pictures([50] * 3)), make_video("vis.mkv", pictures([90] * 3))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(InputError, match=r"pip install 'bilevel-jax\[video\]'"):
        open_videos(infrared, visible, TrivialFuser("max"))
