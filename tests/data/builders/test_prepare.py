"""Preparing: nothing is dropped in silence, nothing half made is left, nothing is made twice."""

import shutil
import sys
import threading

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from bilevel_jax.commands.prepare import prepare_command
from bilevel_jax.data.builders import pair_builder
from bilevel_jax.data.builders.mfnet import Mfnet
from bilevel_jax.data.builders.msrs import Msrs
from bilevel_jax.data.builders.options import Options
from bilevel_jax.data.builders.prepare import prepare
from bilevel_jax.data.sets import open_other, open_sets, prepared_root
from bilevel_jax.data.sources.prepared import PreparedSource
from bilevel_jax.data.sources.summary import read_summary
from bilevel_jax.errors import InputError, RunError, StopSignal, run_command
from bilevel_jax.images.files import write_image
from bilevel_jax.training.config import default_config


@pytest.fixture
def mfnet(download, tmp_path):
    root = tmp_path / "MFNet"
    return root, download("mfnet", root).splits


def leftovers(folder):
    return [path.name for path in folder.iterdir() if "partial" in path.name]


def test_every_file_that_cannot_be_used_is_named(mfnet, tmp_path):
    root, _ = mfnet
    (root / "images" / "00000D.png").write_bytes((root / "images" / "00000D.png").read_bytes()[:700])
    Image.open(root / "images" / "00001N.png").convert("RGB").save(root / "images" / "00001N.png")
    write_image(root / "labels" / "00002D.png", np.full((48, 64, 1), 9, np.uint8))
    (root / "images" / "00003N.png").unlink()
    (root / "images" / "loop.png").symlink_to(root / "images" / "loop.png")
    (root / "images" / "folder.png").mkdir()
    (root / "train.txt").write_text((root / "train.txt").read_text() + "99999D\n00004D\n")
    out = prepare("mfnet", root, tmp_path / "out")
    summary = read_summary(out)
    reasons = {entry["name"]: entry["reason"] for entry in summary["rejected"] if entry["split"] == "train"}
    assert PreparedSource(out, "train").names == ["00004D", "00005N"]
    assert "00000D.png cannot be read as an image, it may be damaged" in reasons["00000D"]
    assert "00001N.png has 3 channel(s), expected 4" in reasons["00001N"]
    assert "00002D.png holds the value 9 (3072 pixels), expected 0 to 8, or 255." in reasons["00002D"]
    assert "there is no infrared and no visible image named 00003N" in reasons["00003N"]
    assert "train.txt names it" in reasons["99999D"]
    others = {entry["name"]: entry["reason"] for entry in summary["rejected"] if not entry["split"]}
    assert "a link that leads nowhere or to itself" in others["loop.png"] and "is no file" in others["folder.png"]
    assert "has no image of its name" in others["00003N"]  # its label map
    assert any("repeats 00004D of line 5" in note for note in summary["notes"])


def test_a_link_to_itself_is_named_wherever_it_lies(download, tmp_path):
    root = tmp_path / "pairs"
    download("folder", root)
    for name in ("label_names.txt", "classes.txt", "train.txt"):
        text = (root / name).read_text()
        (root / name).unlink()
        (root / name).symlink_to(root / name)
        with pytest.raises(InputError, match=rf"{name} cannot be read: Too many levels of symbolic links"):
            prepare("folder", root, tmp_path / "out")
        (root / name).unlink()
        (root / name).write_text(text)
    (root / "stray").symlink_to(root / "stray")
    assert len(PreparedSource(prepare("folder", root, tmp_path / "out"), "train")) == 7


def test_a_split_without_any_good_pair_is_an_error_and_leaves_nothing(mfnet, tmp_path):
    root, names = mfnet
    for name, _ in names["test"]:
        (root / "images" / f"{name}.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"none of the 2 pairs of test can be used, the first because: .* is empty"):
        prepare("mfnet", root, tmp_path / "out")
    assert not (tmp_path / "out").exists() and not leftovers(tmp_path)


def test_splits_that_overlap_are_refused_unless_allowed(mfnet, tmp_path):
    root, names = mfnet
    twice = names["train"][1][0]
    (root / "val.txt").write_text((root / "val.txt").read_text() + twice + "\n")
    sentence = rf"1 pair\(s\) stand in both train and val \({twice}\), expected splits without a pair in common"
    with pytest.raises(InputError, match=sentence):
        prepare("mfnet", root, tmp_path / "out")
    out = prepare("mfnet", root, tmp_path / "out", Options(allow_overlap=True))
    assert twice in PreparedSource(out, "val").names and twice in PreparedSource(out, "train").names
    assert any("stand in both train and val" in note for note in read_summary(out)["notes"])


def test_the_same_files_under_another_name_are_an_overlap(download, tmp_path):
    root = tmp_path / "FMB"
    download("fmb", root)
    for folder in ("Infrared", "Visible", "Label"):
        shutil.copy(root / "train" / folder / "00004.png", root / "test" / folder / "00009.png")
    with pytest.raises(InputError, match="00009 of test has the same files as 00004 of train"):
        prepare("fmb", root, tmp_path / "out")
    assert len(PreparedSource(prepare("fmb", root, tmp_path / "out", Options(allow_overlap=True)))) == 4


def test_it_is_made_once_and_again_when_a_file_changes(mfnet, tmp_path):
    root, _ = mfnet
    made = []
    first = prepare("mfnet", root, cache=tmp_path / "cache", made=made.append)
    assert prepare("mfnet", root, cache=tmp_path / "cache", made=made.append) == first and made == [first]
    write_image(root / "labels" / "00000D.png", np.full((48, 64, 1), 3, np.uint8))
    second = prepare("mfnet", root, cache=tmp_path / "cache", made=made.append)
    assert made == [first, second]
    assert (PreparedSource(second, "train")[0]["labels"] == 3).all()
    assert prepare("mfnet", root, cache=tmp_path / "cache", options=Options(saliency="spectral")) not in made
    with pytest.raises(InputError, match="prepared from other files or with other options, expected an empty folder"):
        prepare("mfnet", root, first)
    prepare("mfnet", root, first, overwrite=True)
    assert (PreparedSource(first, "train")[0]["labels"] == 3).all()
    with pytest.raises(InputError, match="something that is no prepared data set"):
        prepare("mfnet", root, root, overwrite=True)
    assert not leftovers(tmp_path / "cache")


def test_two_at_a_time_make_it_once(mfnet, tmp_path):
    root, _ = mfnet
    made, found = [], []
    workers = [
        threading.Thread(target=lambda: found.append(prepare("mfnet", root, tmp_path / "out", made=made.append)))
        for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert found == [tmp_path / "out"] * 2 and len(made) == 1


def test_it_can_be_stopped_between_pairs_and_leaves_nothing(mfnet, tmp_path):
    calls = []

    def check_stop():
        calls.append(1)
        if len(calls) == 3:
            raise StopSignal("stopped")

    with pytest.raises(StopSignal):
        prepare("mfnet", mfnet[0], tmp_path / "out", check_stop=check_stop)
    assert len(calls) == 3 and not (tmp_path / "out").exists() and not leftovers(tmp_path)


def test_what_a_killed_one_left_is_taken_away(mfnet, tmp_path):
    root, _ = mfnet
    (tmp_path / ".out.partial").mkdir()
    (tmp_path / ".out.partial" / "half").write_text("half")
    prepare("mfnet", root, tmp_path / "out")
    assert not leftovers(tmp_path)


def test_a_place_that_cannot_be_written(mfnet, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match=r"file/out cannot be written"):
        prepare("mfnet", mfnet[0], tmp_path / "file" / "out")


def test_a_large_set_keeps_the_order_of_recording_and_needs_no_tensorflow(download, tmp_path, monkeypatch):
    download("msrs", tmp_path / "MSRS")
    # What a set of gigabytes does to the real ones.
    monkeypatch.setattr("tensorflow_datasets.core.shuffle.MAX_MEM_BUFFER_SIZE", 2000)
    monkeypatch.setattr(pair_builder, "PAIRS_PER_SHARD", 3)
    builder = Msrs(source=tmp_path / "MSRS", data_dir=tmp_path / "tfds")
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))
    assert len(list(builder.data_path.glob("*train*"))) == 3 and "tensorflow" not in sys.modules
    names = [example["name"].decode() for example in builder.as_data_source("train")]
    assert names == [pair.name for pair in builder.scan.splits["train"]] == sorted(names) and len(names) == 7


def test_a_download_is_a_data_set_of_a_configuration(download, scenes, tmp_path, capsys):
    download("msrs", tmp_path / "MSRS")
    config = default_config().data
    config.name, config.root, config.block = "msrs", str(tmp_path), 1
    config.prepared_dir = str(tmp_path / "cache")
    sets = open_sets(config, seed=0)
    assert "msrs is prepared in" in capsys.readouterr().err
    # It publishes train and test: val, a pair by day and one by night, is cut out of train.
    assert (len(sets.train), len(sets.validation), len(sets.test)) == (5, 2, 3)
    assert sorted(sets.validation.groups) == ["day", "night"] and sets.train.label_names == scenes.label_names
    for part in (sets.inner, sets.outer):
        assert {sets.train.groups[i] for i in part} == {"day", "night"}
    assert open_sets(config, seed=1).train.names == sets.train.names and not capsys.readouterr().err
    config.root = str(prepared_root(config))  # prepared, named by itself
    assert open_sets(config, seed=0).train.names == sets.train.names
    assert open_other(config, config.root, "train_day").groups == ["day"] * 4
    config.train_split, config.validation_split = "train", "train_day"
    with pytest.raises(InputError, match="4 pairs in both"):
        open_sets(config, seed=0)
    config.train_split = "train_night"
    assert len(open_sets(config, seed=0).train) == 3  # val and test are named: nothing is cut
    config.name = "fmb"
    with pytest.raises(InputError, match="holds msrs as prepared, expected fmb"):
        open_sets(config, seed=0)


def test_damage_after_preparation_is_named(mfnet, tmp_path):
    out = prepare("mfnet", mfnet[0], tmp_path / "out")
    (out / "index.json").write_text("[")
    with pytest.raises(InputError, match=r"index\.json cannot be read .*: prepare the data set again"):
        PreparedSource(out)


def test_the_command_prints_a_summary(download, tmp_path, capsys):
    download("llvip", tmp_path / "LLVIP")
    (tmp_path / "LLVIP" / "visible" / "test" / "010009.jpg").write_bytes(b"\xff\xd8\xff")
    line = ["prepare.py", "--dataset=llvip", f"--source={tmp_path / 'LLVIP'}", f"--out={tmp_path / 'out'}"]
    assert run_command(prepare_command, line) == 0
    printed = capsys.readouterr()
    assert "train: 7 pairs, 7 night (64 x 48)" in printed.out and "test: 2 pairs, 2 night" in printed.out
    assert "rejected: test 010009: " in printed.out and "010009.jpg cannot be read" in printed.out
    assert "1 rejected. Train on it with --config.data.name=llvip" in printed.out
    assert "preparing LLVIP" in printed.err


def test_the_command_can_be_interrupted(mfnet, tmp_path, monkeypatch, capsys):
    def interrupted(self, pair):
        raise KeyboardInterrupt

    monkeypatch.setattr(Mfnet, "read_images", interrupted)
    line = ["prepare.py", "--dataset=mfnet", f"--source={mfnet[0]}", f"--out={tmp_path / 'out'}"]
    assert run_command(prepare_command, line) == 75
    assert "nothing was left half made" in capsys.readouterr().err and not leftovers(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--dataset=llvp", "--source=x"], "there is no data set 'llvp', expected one of mfnet, msrs"),
        (["--dataset=llvip", "--source=/no/such"], "/no/such does not exist, expected the folder of LLVIP"),
        (["--dataset=llvip"], "--source is missing"),
        (["--dataset=tno", "--source={}", "--saliency=histo"], "expected one of histogram, spectral, or a folder"),
        (["--dataset=tno", "--source={}", "--infrared_range=7000"], "--infrared_range is '7000', expected low,high"),
        (["--dataset=kaist", "--source={}"], "holds ir, vi, expected KAIST as it was unpacked"),
    ],
)
def test_bad_usage_exits_2(download, tmp_path, capsys, arguments, sentence):
    download("tno", tmp_path / "TNO")
    line = [argument.format(tmp_path / "TNO") for argument in arguments]
    assert run_command(prepare_command, ["prepare.py", *line, f"--out={tmp_path / 'out'}"]) == 2
    assert sentence in capsys.readouterr().err and not (tmp_path / "out").exists()
