"""Fused video files: their times, sound, sizes and kinds, and that they are written whole or not at all."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bilevel_jax.errors import InputError, StopSignal
from bilevel_jax.inference import TrivialFuser
from bilevel_jax.serving.video import CONTAINERS, VideoOptions, fuse_video
from bilevel_jax.serving.video.picture_folder import gaps_after

from .conftest import in_color, pictures

av = pytest.importorskip("av")
RULE = TrivialFuser("max")


def read(path: Path) -> tuple[list[float], list[np.ndarray]]:
    """Times and pictures of a video."""
    with av.open(str(path)) as container:
        frames = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    return [time for time, _ in frames], [picture for _, picture in frames]


def heard(path: Path) -> tuple[float, np.ndarray]:
    """When the sound of a video begins, and its samples."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    return frames[0].time, np.concatenate([frame.to_ndarray()[0] for frame in frames])


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def sources(make_video):
    levels = np.linspace(60, 180, 20)
    return (
        make_video("ir.mkv", pictures(levels / 3)),
        make_video("vis.mkv", in_color(pictures(levels)), sound=True),
    )


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_every_kind_of_file_holds_the_pictures_and_the_sound(sources, tmp_path, suffix):
    out = fuse_video(RULE, *sources, tmp_path / f"out{suffix}")
    times, fused = read(out)
    assert times == pytest.approx(np.arange(20) / 10, abs=0.002)
    for number in (0, 10, 19):
        expected = in_color(pictures([np.linspace(60, 180, 20)[number]]))[0]
        assert np.abs(fused[number].mean(axis=(0, 1)) - expected.mean(axis=(0, 1))).max() < 3
    start, samples = heard(out)
    rate = 48_000 if suffix == ".webm" else 44_100
    assert abs(start) < 0.05 and abs(len(samples) / rate - 2.0) < 0.1
    assert files(tmp_path) == {"ir.mkv", "vis.mkv", out.name}


def test_the_sound_is_copied_and_cut_with_the_pictures(sources, tmp_path):
    whole, cut = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    fuse_video(RULE, *sources, whole)
    original, copied = heard(sources[1])[1], heard(whole)[1]
    # The first packet begins softly, because the packet before it, of before the first picture, is left out.
    np.testing.assert_allclose(copied[2048:80_000], original[2048:80_000], atol=1e-3)
    fuse_video(RULE, *sources, cut, VideoOptions(offset=1.0))
    times, fused = read(cut)
    assert times[0] == 0 and len(times) == 11  # from one frame before the first infrared frame on
    start, samples = heard(cut)
    assert 0 <= start < 0.03 and abs(len(samples) / 44_100 - 1.1) < 0.05


def test_times_that_are_not_even_are_kept(make_video, tmp_path):
    times = [0.0, 0.05, 0.3, 0.31, 0.7, 1.2]
    visible = make_video("vis.mkv", in_color(pictures([90] * 6)), times=times)
    out = fuse_video(RULE, make_video("ir.mkv", pictures([50] * 13)), visible, tmp_path / "out.mp4")
    assert read(out)[0] == pytest.approx(times, abs=0.001)


@pytest.mark.parametrize("size", [(47, 64), (48, 63), (47, 63)])
def test_odd_sizes_get_a_repeated_border(make_video, tmp_path, size):
    visible = make_video("vis.mkv", in_color(pictures([90] * 3, size)))
    out = fuse_video(RULE, make_video("ir.mkv", pictures([50] * 3, size)), visible, tmp_path / "out.mp4")
    assert read(out)[1][0].shape == (48, 64, 3)


def test_a_grey_video_stays_grey(make_video, tmp_path):
    infrared, visible = make_video("ir.mkv", pictures([50] * 3)), make_video("vis.mkv", pictures([90] * 3))
    picture = read(fuse_video(RULE, infrared, visible, tmp_path / "out.mp4"))[1][0]
    assert np.ptp(picture.astype(int), axis=-1).max() <= 1
    assert abs(picture.mean() - pictures([90])[0].mean()) < 2


def test_a_video_becomes_pictures(sources, tmp_path):
    out = tmp_path / "pictures"
    fuse_video(RULE, *sources, f"{out}/", suffix="jpg")
    assert sorted(files(out)) == [f"vis_{number:06d}.jpg" for number in range(1, 21)]
    with Image.open(out / "vis_000001.jpg") as image:
        assert image.size == (64, 48)


def test_numbered_pictures_become_a_video_in_the_order_of_their_numbers(tmp_path):
    levels = np.linspace(60, 180, 12)
    for camera, frames in (("ir", pictures(levels / 3)), ("vi", in_color(pictures(levels)))):
        (tmp_path / camera).mkdir()
        for number, frame in enumerate(frames):
            Image.fromarray(frame).save(tmp_path / camera / f"f{number}.png")  # f10 stands before f2 by letters
    out = fuse_video(RULE, tmp_path / "ir", tmp_path / "vi", tmp_path / "out.mp4", VideoOptions(fps=5))
    times, fused = read(out)
    assert times == pytest.approx(np.arange(12) / 5, abs=0.001)
    assert (np.diff([picture.mean() for picture in fused]) > 3).all()


def test_an_animation_is_read_as_a_video(make_video, tmp_path):
    frames = [Image.fromarray(frame) for frame in in_color(pictures(np.linspace(60, 180, 5)))]
    frames[0].save(tmp_path / "vis.gif", save_all=True, append_images=frames[1:], duration=100)
    out = fuse_video(RULE, make_video("ir.mkv", pictures([5] * 5)), tmp_path / "vis.gif", tmp_path / "out.mp4")
    times, fused = read(out)
    assert times == pytest.approx(np.arange(5) / 10, abs=0.002)
    assert (np.diff([picture.mean() for picture in fused]) > 10).all()


def _half(path: Path) -> bytes:
    data = path.read_bytes()
    return data[: len(data) // 2]


def _sound_alone(path: Path) -> bytes:
    target = path.with_name("sound.mkv")
    with av.open(str(path)) as source, av.open(str(target), "w") as container:
        stream = container.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)
    return target.read_bytes()


BAD = {
    "empty": (lambda path: b"", "is empty .0 bytes."),
    "text": (lambda path: b"no video at all\n" * 99, "cannot be read as a video"),
    "half": (_half, "is damaged"),
    "sound": (_sound_alone, "has sound but no picture"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("camera", [0, 1])
def test_a_bad_file_gives_one_sentence_and_no_output(sources, tmp_path, kind, camera):
    if kind == "sound" and camera == 0:
        bad = BAD[kind][0](sources[1])
    else:
        bad = BAD[kind][0](sources[camera])
    sources[camera].write_bytes(bad)
    before = files(tmp_path)
    with pytest.raises(InputError, match=f"{sources[camera].name}.*{BAD[kind][1]}.*; expected") as raised:
        fuse_video(RULE, *sources, tmp_path / "out.mp4")
    assert "\n" not in str(raised.value)
    assert files(tmp_path) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("when", ["while measuring", "while fusing"])
def test_a_signal_leaves_nothing_half_written(sources, tmp_path, number, when):
    class Stopped(TrivialFuser):
        count, measured, exposure = 0, 0, 4.0

        def exposure_of(self, infrared):
            self.measured += 1
            if self.measured == 2 and when == "while measuring":  # a second signal would end the process at once
                os.kill(os.getpid(), number)
            return 1.0

        def fuse(self, infrared, visible, exposure=None):
            self.count += 1
            if self.count == 5:
                os.kill(os.getpid(), number)
            return super().fuse(infrared, visible, exposure)

    before, handler = files(tmp_path), signal.getsignal(number)
    options = VideoOptions(exposure="folder" if when == "while measuring" else 1.0)
    fuser = Stopped("max")
    with pytest.raises(StopSignal, match="out.mp4 was not written"):
        fuse_video(fuser, *sources, tmp_path / "out.mp4", options)
    assert files(tmp_path) == before and signal.getsignal(number) == handler
    assert (fuser.count == 0) == (when == "while measuring")


def test_a_file_without_a_frame_is_refused_and_one_frame_is_a_video(make_video, tmp_path):
    infrared = make_video("ir.mkv", pictures([50] * 3))
    (tmp_path / "none.y4m").write_bytes(b"YUV4MPEG2 W64 H48 F10:1 Ip A1:1 C420jpeg\n")
    with pytest.raises(InputError, match="none.y4m .*expected"):
        fuse_video(RULE, infrared, tmp_path / "none.y4m", tmp_path / "out.mp4")
    out = fuse_video(RULE, infrared, make_video("one.mkv", in_color(pictures([90]))), tmp_path / "out.mp4")
    assert len(read(out)[0]) == 1


def test_frames_that_change_their_size_are_resized_and_said(make_video, tmp_path, capsys):
    parts = [
        make_video(f"{size[0]}.h264", in_color(pictures([90] * 4, size)), codec="libx264", pixels="yuv420p")
        for size in ((48, 64), (32, 64))
    ]
    (tmp_path / "vis.h264").write_bytes(b"".join(part.read_bytes() for part in parts))
    out = fuse_video(RULE, make_video("ir.mkv", pictures([50] * 9)), tmp_path / "vis.h264", tmp_path / "out.mp4")
    said = capsys.readouterr().out
    assert "vis.h264 has frames of 64 x 32 pixels from" in said and "they are resized" in said
    assert {picture.shape for picture in read(out)[1]} == {(48, 64, 3)}


def folders(tmp_path, names, sizes):
    """Two folders of pictures with these names."""
    for camera in ("ir", "vi"):
        (tmp_path / camera).mkdir()
        for name, size in zip(names, sizes, strict=True):
            picture = pictures([90], size if camera == "vi" else (48, 64))[0]
            picture = in_color([picture])[0] if camera == "vi" else picture
            Image.fromarray(picture).save(tmp_path / camera / f"{name}.png")
    return tmp_path / "ir", tmp_path / "vi"


def test_gaps_in_the_numbers_of_pictures_are_said(tmp_path, capsys):
    names = [f"f{number:03d}" for number in (0, 5, 10, 30, 35, 50)]
    fuse_video(RULE, *folders(tmp_path, names, [(48, 64)] * 6), tmp_path / "out.mp4")
    assert "vi has 2 gap(s) in the numbers of its pictures, the first after f010.png" in capsys.readouterr().out


def test_steady_numbers_have_no_gap():
    for names in (["1", "2", "3"], ["a_10_640", "a_20_640", "a_30_640"], ["a", "b", "c"], ["7"]):
        assert gaps_after([Path(f"{name}.png") for name in names]) == []


def test_pictures_of_several_sizes_cannot_be_one_video(tmp_path):
    sources = folders(tmp_path, ["1", "2", "3"], [(48, 64), (48, 64), (24, 32)])
    with pytest.raises(InputError, match="3.png: The infrared image is 64 x 48 pixels and the visible 32 x 24"):
        fuse_video(RULE, *sources, tmp_path / "out.mp4")
    with pytest.raises(InputError, match="at 0.08 s is 32 x 24 pixels and those before it are 64 x 48; .*--out with a"):
        fuse_video(RULE, *sources, tmp_path / "out.mp4", VideoOptions(resize="infrared"))
    assert not (tmp_path / "out.mp4").exists()
    out = fuse_video(RULE, *sources, tmp_path / "out.mp4", VideoOptions(resize="visible"))
    assert len(read(out)[0]) == 3


def test_outputs_of_another_kind_are_refused(sources, tmp_path):
    before = files(tmp_path)
    for name, message in (
        ("out.gif", "is one picture, but the inputs are videos"),
        ("out.mp3", "cannot be written as a video; expected a file that ends in one of .mp4"),
        ("vis.mkv", "is an input and would be overwritten"),
    ):
        with pytest.raises(InputError, match=message):
            fuse_video(RULE, *sources, tmp_path / name)
    with pytest.raises(InputError, match="are the same video"):
        fuse_video(RULE, sources[0], sources[0], tmp_path / "out.mp4")
    assert files(tmp_path) == before


def test_a_rule_of_a_steady_pair_does_not_flicker_more_than_its_sources(make_video, tmp_path, capsys):
    wave = 90 + 10 * np.sin(np.arange(20) / 3)
    infrared, visible = make_video("ir.mkv", pictures(wave)), make_video("vis.mkv", in_color(pictures(wave + 20)))
    fuse_video(TrivialFuser("average"), infrared, visible, tmp_path / "out.mp4")
    said = capsys.readouterr().out
    assert "Flicker of the brightness" in said and "flickers more" not in said
