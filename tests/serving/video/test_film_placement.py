"""One transform for a whole video: it lies on the known one, and what is not trusted is said or refused."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bilevel_jax.commands.fuse import fuse_command
from bilevel_jax.errors import InputError, run_command
from bilevel_jax.inference import TrivialFuser
from bilevel_jax.inference.pair_placement import AlignmentChoice
from bilevel_jax.registration import Transform, corner_distance, move_infrared, read_transform, write_transform
from bilevel_jax.registration.warp import sample
from bilevel_jax.serving.video import VideoOptions, open_videos

SIZE, INFRARED_SIZE = (240, 320), (190, 250)
ANGLE, SCALE = np.radians(2.5), 0.8
MATRIX = np.array(
    [
        [SCALE * np.cos(ANGLE), -SCALE * np.sin(ANGLE), 9.0],
        [SCALE * np.sin(ANGLE), SCALE * np.cos(ANGLE), -6.0],
        [0, 0, 1],
    ]
)
KNOWN = Transform("similarity", MATRIX, SIZE, INFRARED_SIZE)
RULE = TrivialFuser("average")


def scene(count=4):
    """Aligned frames, infrared uint8 [h, w] and visible uint8 [h, w, 3], of one scene with the noise of two cameras."""
    random = np.random.default_rng(0)
    views = [Image.new("L", SIZE[::-1], level) for level in (90, 140)]
    for _ in range(60):
        (x, y), (w, h) = random.integers(0, SIZE[::-1]), random.integers(8, 60, 2)
        for view in views:
            draw = ImageDraw.Draw(view)
            (draw.rectangle if w % 2 else draw.ellipse)(
                [int(x), int(y), int(x + w), int(y + h)], fill=int(random.integers(0, 256))
            )
    noisy = lambda view: np.clip(np.asarray(view) + random.normal(0, 3, SIZE), 0, 255).astype(np.uint8)
    return [(noisy(views[0]), np.stack([noisy(views[1])] * 3, -1)) for _ in range(count)]


def seen(infrared, transform=KNOWN):
    """The infrared frame as its camera sees it; black where the aligned frame has nothing."""
    levels, covered = sample(infrared.astype(np.float32), np.linalg.inv(transform.matrix), transform.infrared_size)
    return np.where(covered, np.round(levels), 0).astype(np.uint8)


@pytest.fixture(scope="module")
def frames():
    return scene()


@pytest.fixture
def films(frames, make_video):
    return (
        make_video("ir.mkv", [seen(infrared) for infrared, _ in frames]),
        make_video("vis.mkv", [visible for _, visible in frames]),
    )


def test_the_transform_of_a_film_lies_on_the_known_one(films, frames):
    video = open_videos(*films, RULE, VideoOptions(alignment=AlignmentChoice("similarity"), align_on=2))
    assert corner_distance(video.placement.estimated, KNOWN) < 1.5
    assert "one similarity, the median of 2 trusted of 2 frame(s)" in video.placement.lines[0]
    share = video.placement.share
    assert (share == 0).any() and (share == 1).mean() > 0.6
    for frame, (infrared, visible) in zip(video, frames, strict=True):
        inside = share == 1
        assert np.abs(frame.infrared[..., 0].astype(int) - infrared)[inside].mean() < 8
        np.testing.assert_array_equal(frame.fused[share == 0], visible[share == 0])
        np.testing.assert_array_equal(frame.fused[inside], RULE.fuse(frame.infrared, visible)[inside])


def test_frames_are_moved_as_pictures_are(films, frames):
    video = open_videos(*films, RULE, VideoOptions(alignment=AlignmentChoice("similarity", KNOWN)))
    assert video.placement.estimated is None
    for frame, (infrared, _) in zip(video, frames, strict=True):
        np.testing.assert_array_equal(frame.infrared, move_infrared(seen(infrared), KNOWN).image)


def test_what_is_black_on_some_frames_alone_counts_as_data(make_video, frames):
    infrared = [seen(infrared).copy() for infrared, _ in frames]
    infrared[2][:60] = 0  # the camera shows a black bar for one frame
    paths = make_video("ir.mkv", infrared), make_video("vis.mkv", [visible for _, visible in frames])
    options = VideoOptions(alignment=AlignmentChoice("similarity", KNOWN))
    share = open_videos(*paths, RULE, options).placement.share
    steady = move_infrared(infrared[0], KNOWN).covered
    np.testing.assert_array_equal(share > 0, steady)


@pytest.mark.parametrize("untrusted", ["unaligned", "aligned", "left_out"])
def test_a_film_that_cannot_be_aligned_is_said_or_refused(make_video, frames, untrusted):
    noise = np.random.default_rng(0).integers(0, 255, (2, 150, 200), np.uint8)
    paths = make_video("ir.mkv", list(noise)), make_video("vis.mkv", [visible for _, visible in frames[:2]])
    options = VideoOptions(alignment=AlignmentChoice("translation", untrusted=untrusted), align_on=1)
    if untrusted == "left_out":
        with pytest.raises(InputError, match="ir.mkv and .*vis.mkv: none of 1 frame.* or --untrusted=unaligned"):
            open_videos(*paths, RULE, options)
        return
    video = open_videos(*paths, RULE, options)
    assert "none of 1 frame(s) could be aligned with trust" in video.placement.lines[0]
    assert (video.placement.mover is None) == (untrusted == "unaligned") and video.placement.estimated is None
    assert {frame.fused.shape for frame in video} == {(*SIZE, 3)}


def shifted(frames, make_video, by):
    return (
        make_video("ir.mkv", [np.roll(infrared, by, axis=1) for infrared, _ in frames]),
        make_video("vis.mkv", [visible for _, visible in frames]),
    )


@pytest.mark.parametrize("by", [0, 8])
def test_a_plain_shift_is_reported_once(frames, make_video, by):
    lines = open_videos(*shifted(frames, make_video, by), RULE).placement.lines
    assert len(lines) == bool(by)
    assert not by or "ir.mkv seem to be shifted against the visible frames by (8, 0) pixels" in lines[0]


def test_the_frames_are_compared_that_are_fused(frames, make_video):
    """With an offset, frames of one number do not belong together."""
    count = len(frames)
    dark = [np.zeros(SIZE, np.uint8)] * 3
    infrared = make_video("ir.mkv", [*dark, *(np.roll(picture, 8, axis=1) for picture, _ in frames)])
    visible = make_video("vis.mkv", [visible for _, visible in frames])
    video = open_videos(infrared, visible, RULE, VideoOptions(offset=-0.3))
    assert "by (8, 0) pixels" in video.placement.lines[0] and len(list(video)) == count


def test_a_transform_and_frames_of_other_sizes_are_refused(films):
    other = Transform("similarity", MATRIX, SIZE, (100, 100))
    with pytest.raises(InputError, match="ir.mkv .* The infrared image is 250 x 190 .* the transform is for 100 x 100"):
        open_videos(*films, RULE, VideoOptions(alignment=AlignmentChoice("similarity", other)))


def test_a_warp_and_an_alignment_contradict_each_other(films):
    with pytest.raises(InputError, match="has a warp and an alignment"):
        open_videos(*films, RULE, VideoOptions(warp=np.copy, alignment=AlignmentChoice("similarity")))


def fuse(folder, *more):
    given = [f"--ir={folder / 'ir.mkv'}", f"--vis={folder / 'vis.mkv'}", f"--out={folder / 'out.mp4'}", "--method=max"]
    return run_command(fuse_command, ["fuse", *given, *more])


def test_the_command_writes_the_transform_and_reads_it_again(films, tmp_path, capsys):
    rig = tmp_path / "rig.json"
    assert fuse(tmp_path, "--align=similarity", "--align_on=1", f"--transform={rig}") == 0
    assert "1 trusted of 1 frame(s)" in capsys.readouterr().out
    assert corner_distance(read_transform(rig), KNOWN) < 1.5
    write_transform(rig, KNOWN)
    assert fuse(tmp_path, f"--transform={rig}") == 0
    said = capsys.readouterr().out
    assert "Moving the infrared images by the similarity of" in said and "frames by one" not in said
    assert np.array_equal(read_transform(rig).matrix, MATRIX)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--untrusted=aligned"], "is for videos that are aligned; expected --align"),
        (["--align_on=3"], "--align_on=3 needs --align"),
        (["--transform=none.json"], "none.json does not exist"),
    ],
)
def test_flags_without_meaning_are_refused(films, tmp_path, capsys, flags, message):
    assert fuse(tmp_path, *flags) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "out.mp4").exists()


def test_folders_of_pictures_become_an_aligned_video(frames, tmp_path, capsys):
    for name in ("ir", "vi"):
        (tmp_path / name).mkdir()
    for number, (infrared, visible) in enumerate(frames[:3]):
        Image.fromarray(seen(infrared)).save(tmp_path / "ir" / f"{number}.png")
        Image.fromarray(visible).save(tmp_path / "vi" / f"{number}.png")
    given = [f"--{flag}={tmp_path / name}" for flag, name in (("ir", "ir"), ("vis", "vi"), ("out", "out.mp4"))]
    assert run_command(fuse_command, ["fuse", *given, "--method=max", "--align=similarity", "--align_on=1"]) == 0
    assert "1 trusted of 1 frame(s)" in capsys.readouterr().out
