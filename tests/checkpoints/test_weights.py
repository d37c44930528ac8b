"""Parameters as safetensors: bit for bit, with what rebuilds their networks; as a run's folder and back."""

import json

import jax
import numpy as np
import pytest
from flax.traverse_util import flatten_dict
from ml_collections import ConfigDict
from safetensors.numpy import load_file, save_file

from bilevel_jax.checkpoints import Run, load_run
from bilevel_jax.checkpoints.weights import moved_toward, read_weights, weights_of_run, write_weights
from bilevel_jax.commands.convert_weights import export_command, import_command
from bilevel_jax.errors import InputError

CONFIG = ConfigDict(
    {
        "fusion": {"name": "tiny"},
        "semantic": {"task": "segmentation", "class_weights": (1.0, 2.0)},
        "initial": {"run": "/home/me/runs/first"},
        "data": {"name": "folder", "root": "/home/me/pairs", "prepared_dir": "/home/me", "crop": (96, 96)},
    }
)
CLASSES = {"boxes": ["car"], "labels": ["road", "car"]}


def parameters(seed):
    """Nested as flax has them, with a scalar, a transposed array, and values of every size down to denormals."""
    rng = np.random.default_rng(seed)
    kernel = (rng.normal(size=(3, 3, 2, 5)) * 10.0 ** rng.integers(-44, 30, (3, 3, 2, 5))).astype(np.float32)
    return {"params": {"slope": np.float32(0.25), "stem": {"kernel": kernel, "across": kernel[0, 0].T}}}


@pytest.fixture
def workdir(tmp_path):
    run = Run(tmp_path / "run", CONFIG)
    for step in (3, 7):
        inner = {"visual": parameters(10 + step), "semantic": parameters(20 + step)}
        state = {"step": np.int32(step), "key": np.zeros(2, np.uint32), "outer_params": parameters(step)}
        run.save(step, state | {"inner_params": inner}, {"inner": {}})
    run.close()
    (tmp_path / "run" / "classes.json").write_text(json.dumps(CLASSES))
    return tmp_path / "run"


def assert_same_bits(a, b):
    a, b = flatten_dict(a, sep="/"), flatten_dict(b, sep="/")
    assert a.keys() == b.keys() and a
    for name in a:
        assert np.shape(a[name]) == np.shape(b[name])
        assert np.asarray(a[name]).tobytes() == np.asarray(b[name]).tobytes(), name


def test_there_and_back_bit_for_bit_with_all_that_rebuilds_the_networks(workdir, tmp_path):
    weights = weights_of_run(workdir)
    write_weights(tmp_path / "w.safetensors", weights)
    (tmp_path / "other").write_text("")
    assert (tmp_path / "w.safetensors").stat().st_mode == (tmp_path / "other").stat().st_mode
    found = read_weights(tmp_path / "w.safetensors")
    assert found.step == 7 and found.classes == CLASSES and found.code["version"]
    assert found.config.fusion.name == "tiny" and list(found.config.semantic.class_weights) == [1.0, 2.0]
    assert_same_bits(found.parts["fusion"], parameters(7))
    assert_same_bits(found.parts["discriminator"], parameters(17))
    assert_same_bits(found.parts["semantic"], parameters(27))
    # The names that any other reader sees; nothing of the machine that it was trained on.
    assert "fusion/params/stem/kernel" in load_file(tmp_path / "w.safetensors")
    assert b"/home/me" not in (tmp_path / "w.safetensors").read_bytes() and found.config.data.crop == [96, 96]
    assert found.config.initial.run == "first"


def test_networks_of_further_tasks_stand_under_their_names_without_the_folders_of_their_files(tmp_path):
    config = ConfigDict(CONFIG.to_dict() | {"tasks": ("visual", "semantic", "yolox"), "visual": {"ssim": 1.0}})
    config.yolox = ConfigDict({"task": "yolox", "start": "/home/me/yolox_nano.onnx", "backbone": ""})
    run = Run(tmp_path / "run", config)
    inner = {"visual": parameters(1), "yolox": {"params": parameters(2)["params"]}, "semantic": parameters(3)}
    run.save(3, {"step": np.int32(3), "outer_params": parameters(0), "inner_params": inner}, {})
    run.close()
    weights = weights_of_run(tmp_path / "run")
    assert list(weights.parts) == ["fusion", "discriminator", "semantic", "yolox"]
    write_weights(tmp_path / "w.safetensors", weights)
    found = read_weights(tmp_path / "w.safetensors")
    assert_same_bits(found.parts["yolox"], parameters(2))
    assert found.config.yolox.start == "yolox_nano.onnx"
    assert b"/home/me" not in (tmp_path / "w.safetensors").read_bytes()
    changed = ConfigDict(config.to_dict())
    changed.visual.ssim = 2.0  # the weight of a loss may change when a run resumes
    Run(tmp_path / "run", changed).close()
    changed.yolox.task = "detection"
    with pytest.raises(InputError, match="made with config.yolox.task = 'yolox', and this command has 'detection'"):
        Run(tmp_path / "run", changed)


def test_of_several_places_to_start_from_the_names_stay(workdir, tmp_path):
    weights = weights_of_run(workdir)
    weights.config.initial.run = "pretrained:detector, /home/me/START.safetensors,/home/me/runs/first/"
    write_weights(tmp_path / "w.safetensors", weights)
    found = read_weights(tmp_path / "w.safetensors").config.initial.run
    assert found == "pretrained:detector,START.safetensors,first"


def test_half_precision_is_half_the_bytes_and_comes_back_as_float32(workdir, tmp_path):
    weights = weights_of_run(workdir)
    for dtype, precision in (("float16", 2**-11), ("bfloat16", 2**-8)):
        kernel = np.linspace(0.5, 2.0, 1000, dtype=np.float32)
        write_weights(tmp_path / "w.safetensors", weights._replace(parts={"fusion": {"kernel": kernel}}), dtype)
        found = read_weights(tmp_path / "w.safetensors").parts["fusion"]["kernel"]
        assert found.dtype == np.float32 and load_file(tmp_path / "w.safetensors")["fusion/kernel"].nbytes == 2000
        np.testing.assert_allclose(found, kernel, rtol=precision)
        assert (found != kernel).any()


def test_export_and_import_make_a_folder_that_reads_as_the_run_does(workdir, tmp_path, capsys):
    file, copy = tmp_path / "w.safetensors", tmp_path / "copy"
    export_command(["", f"--workdir={workdir}", f"--out={file}", "--parts=semantic,fusion"])
    assert "fusion: 101 parameters" in capsys.readouterr().out
    import_command(["", f"--weights={file}", f"--workdir={copy}"])
    assert "trained on folder" in capsys.readouterr().out.lower()
    export_command(["", f"--workdir={workdir}", f"--out={tmp_path / 'before.safetensors'}", "--checkpoint=3"])
    assert_same_bits(read_weights(tmp_path / "before.safetensors").parts["fusion"], parameters(3))
    config, state = load_run(copy)
    assert int(state["step"]) == 7 and list(state["inner_params"]) == ["semantic"] and config.data.name == "scenes"
    assert config.initial.run == ""
    assert_same_bits(state["outer_params"], parameters(7))
    assert_same_bits(state["inner_params"]["semantic"], parameters(27))
    assert json.loads((copy / "classes.json").read_text()) == CLASSES
    with pytest.raises(InputError, match=rf"without optimizer states.*--config.initial.run={copy}"):
        Run(copy, config)


def test_export_on_the_way_to_other_weights(workdir, tmp_path):
    far, out = tmp_path / "far.safetensors", tmp_path / "w.safetensors"
    export_command(["", f"--workdir={workdir}", f"--out={far}", "--checkpoint=3"])
    export_command(["", f"--workdir={workdir}", f"--out={out}", f"--toward={far}", "--by=0.25"])
    expected = jax.tree.map(lambda own, other: 0.75 * own + 0.25 * other, parameters(7), parameters(3))
    found = flatten_dict(read_weights(out).parts["fusion"])
    for name, leaf in flatten_dict(expected).items():
        np.testing.assert_allclose(found[name], leaf, rtol=1e-5, atol=1e-44)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out=w.npz"], "ends in .safetensors"),
        (["--out=w.safetensors", "--by=0.5"], "--toward and --by belong together"),
        (["--out=w.safetensors", "--toward=none.safetensors", "--by=0.5"], "none.safetensors does not exist"),
        (["--out=w.safetensors", "--parts=fusion,detector"], "--parts has 'detector'; expected some of fusion, disc"),
        (["--out=/proc/none/w.safetensors"], "cannot be written"),
    ],
)
def test_what_export_refuses(workdir, arguments, message):
    with pytest.raises(InputError, match=message):
        export_command(["", f"--workdir={workdir}", *arguments])


def test_networks_of_other_sizes_have_nothing_between_them(workdir):
    weights = weights_of_run(workdir)
    with pytest.raises(InputError, match="networks fusion are not alike"):
        moved_toward(weights, weights._replace(parts={"fusion": {"params": {"slope": np.zeros(3)}}}), 0.5)
    with pytest.raises(InputError, match="networks discriminator are not alike"):
        moved_toward(weights, weights._replace(parts={"fusion": weights.parts["fusion"]}), 0.5)


def test_what_import_refuses(workdir, tmp_path):
    file = tmp_path / "w.safetensors"

    def refused(message, target=tmp_path / "new"):
        with pytest.raises(InputError, match=message):
            import_command(["", f"--weights={file}", f"--workdir={target}"])
        assert not (tmp_path / "new").exists()

    refused("does not exist; expected a file that `experiments/convert.py export` made")
    file.write_bytes(b"these are no tensors")
    refused("cannot be read as safetensors")
    save_file({"a": np.zeros(3)}, file)
    refused("has no 'config' in its metadata")
    weights = weights_of_run(workdir)
    write_weights(file, weights._replace(parts={"semantic": weights.parts["semantic"]}))
    refused("only semantic; expected the part fusion too")
    write_weights(file, weights)
    refused("holds a run already", workdir)


def test_what_is_read_is_a_pytree_of_flax(workdir, tmp_path):
    write_weights(tmp_path / "w.safetensors", weights_of_run(workdir))
    leaves = jax.tree.leaves(read_weights(tmp_path / "w.safetensors").parts)
    assert len(leaves) == 9 and all(isinstance(leaf, np.ndarray) and leaf.dtype == np.float32 for leaf in leaves)
