"""A run's folder: what goes in comes out, and another model's run is refused."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp
import pytest
from flax import struct
from ml_collections import ConfigDict

from bilevel_jax.checkpoints import Run, load_run
from bilevel_jax.checkpoints.parameters import load_parameters, read_tree, save_parameters
from bilevel_jax.errors import InputError, RunError


@struct.dataclass
class State:
    step: jnp.ndarray
    outer_params: dict
    opt_state: tuple


def make_state(value):
    params = {"params": {"kernel": jnp.full((2, 3), value), "bias": jnp.zeros(3)}}
    return State(jnp.int32(7), params, optax.chain(optax.clip(1.0), optax.adam(1e-3)).init(params))


CONFIG = ConfigDict({"fusion": {"name": "tiny"}, "steps": 10})


def test_state_and_position_come_back_as_they_were(tmp_path):
    run = Run(tmp_path, CONFIG)
    run.save(3, make_state(1.0), {"inner": {"next": 5}})
    run.save(7, make_state(2.0), {"inner": {"next": 9}})
    step, state, position = run.restore(make_state(0.0))
    run.close()
    assert step == 7 and position == {"inner": {"next": 9}}
    assert isinstance(state, State) and int(state.step) == 7
    np.testing.assert_array_equal(state.outer_params["params"]["kernel"], np.full((2, 3), 2.0))
    config, tree = load_run(tmp_path)
    assert config.fusion.name == "tiny"
    np.testing.assert_array_equal(tree["outer_params"]["params"]["kernel"], np.full((2, 3), 2.0))


def test_only_the_newest_stay(tmp_path):
    run = Run(tmp_path, CONFIG, keep=2)
    for step in (1, 2, 3):
        run.save(step, make_state(float(step)), {})
    run.close()
    assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir()) == ["2", "3"]


BEST = ConfigDict({"fusion": {"name": "tiny"}, "keep_best": "VIF"})


def kept(folder):
    return sorted(int(p.name) for p in (folder / "checkpoints").iterdir())


def test_the_best_stays_beside_the_newest_and_is_what_commands_read(tmp_path):
    run = Run(tmp_path, BEST, keep=2)
    measured = {1: 0.5, 2: 0.7, 3: 0.6, 4: None, 5: 0.7}
    for step, value in measured.items():
        figures = None if value is None else {"VIF": value, "SSIM": -value}
        assert run.would_be_best(figures or {}) == (step in (1, 2))  # an equal one comes too late
        run.save(step, make_state(float(step)), {}, figures=figures)
    run.close()
    assert kept(tmp_path) == [2, 4, 5] and run.best == (2, 0.7)

    def read(checkpoint):
        return int(load_run(tmp_path, checkpoint)[1]["outer_params"]["params"]["kernel"][0, 0])

    assert [read(checkpoint) for checkpoint in ("", "best", "newest", "4")] == [2, 2, 5, 4]
    with pytest.raises(InputError, match=r"no checkpoint '3'; expected best, newest, or one of 2, 4, 5"):
        read("3")
    # It is known in the next start, which goes on from the newest and replaces the best by a better one only.
    run = Run(tmp_path, BEST, keep=2)
    assert run.best == (2, 0.7) and run.restore(make_state(0.0))[0] == 5 and not run.would_be_best({"VIF": 0.7})
    for step in (6, 7):
        run.save(step, make_state(float(step)), {}, figures={"VIF": 0.7 + step / 100})
    run.close()
    assert kept(tmp_path) == [6, 7] and read("best") == 7


def test_a_run_of_another_measure_reads_the_figures_that_are_there(tmp_path):
    run = Run(tmp_path, BEST, keep=3)
    for step in (1, 2):
        run.save(step, make_state(float(step)), {}, figures={"VIF": float(step), "SSIM": -float(step)})
    run.close()
    run = Run(tmp_path, ConfigDict({"fusion": {"name": "tiny"}, "keep_best": "SSIM"}), keep=1)
    assert run.best == (1, -1.0)
    run.save(3, make_state(3.0), {})
    run.close()
    assert kept(tmp_path) == [1, 3] and int(load_run(tmp_path)[1]["outer_params"]["params"]["kernel"][0, 0]) == 1
    run = Run(tmp_path, CONFIG, keep=1)  # and one without a measure keeps and reads the newest
    assert run.best is None and not run.would_be_best({"VIF": 9.0})
    run.save(4, make_state(4.0), {})
    run.close()
    assert kept(tmp_path) == [4]
    with pytest.raises(InputError, match="has no best checkpoint: config.keep_best is ''"):
        load_run(tmp_path, "best")


def test_another_model_is_refused_with_the_key_that_differs(tmp_path):
    run = Run(tmp_path, CONFIG)
    run.save(1, make_state(1.0), {})
    run.close()
    with pytest.raises(InputError, match=r"config\.fusion\.name = 'tiny', and this command has 'paper'"):
        Run(tmp_path, ConfigDict({"fusion": {"name": "paper"}, "steps": 10}))
    Run(tmp_path, ConfigDict({"fusion": {"name": "tiny"}, "steps": 99})).close()  # more steps are no other model


def test_garbage_of_a_killed_save_is_no_checkpoint(tmp_path):
    run = Run(tmp_path, CONFIG)
    run.save(1, make_state(1.0), {})
    run.close()
    (tmp_path / "checkpoints" / "2.orbax-checkpoint-tmp-1").mkdir()
    run = Run(tmp_path, CONFIG)
    assert run.restore(make_state(0.0))[0] == 1
    run.close()


def test_folders_that_are_no_run(tmp_path):
    with pytest.raises(InputError, match="has no config.json"):
        load_run(tmp_path)
    Run(tmp_path, CONFIG).close()
    with pytest.raises(InputError, match="no finished checkpoint"):
        load_run(tmp_path)


def test_workdir_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be written"):
        Run(tmp_path / "file" / "run", CONFIG)


def test_named_parameters(tmp_path):
    assert load_parameters(tmp_path, "row_ir") is None
    save_parameters(tmp_path, "row_ir", {"a": np.arange(3)})
    save_parameters(tmp_path, "row_ir", {"a": np.arange(4)})
    np.testing.assert_array_equal(load_parameters(tmp_path, "row_ir")["a"], np.arange(4))


def damage(folder):
    """Cuts every data file of a checkpoint short, as a full disk or a lost block does."""
    files = [f for f in folder.rglob("*") if f.is_file() and "state" in f.parts and f.stat().st_size > 0]
    assert files
    for file in files:
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 3])


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path, caplog):
    run = Run(tmp_path, CONFIG)
    for step in (3, 7):
        run.save(step, make_state(float(step)), {"next": step})
    run.close()
    damage(tmp_path / "checkpoints" / "7")
    assert int(load_run(tmp_path)[1]["outer_params"]["params"]["kernel"][0, 0]) == 3
    run = Run(tmp_path, CONFIG)
    step, state, position = run.restore(make_state(0.0))
    assert step == 3 and position == {"next": 3} and float(state.outer_params["params"]["kernel"][0, 0]) == 3.0
    assert "step 7" in caplog.text and "cannot be read" in caplog.text
    run.save(7, make_state(8.0), {"next": 8})  # the step is free again
    run.close()
    assert float(load_run(tmp_path)[1]["outer_params"]["params"]["kernel"][0, 0]) == 8.0
    assert (tmp_path / "unreadable" / "7").is_dir()


def test_no_readable_checkpoint_at_all_is_an_error_and_moves_nothing(tmp_path):
    run = Run(tmp_path, CONFIG)
    run.save(3, make_state(3.0), {})
    run.close()
    damage(tmp_path / "checkpoints" / "3")
    run = Run(tmp_path, CONFIG)
    with pytest.raises(RunError, match=r"none of the checkpoints .*steps 3\) can be read"):
        run.restore(make_state(0.0))
    run.close()
    assert (tmp_path / "checkpoints" / "3").is_dir()


def test_a_folder_in_use_is_refused(tmp_path):
    run = Run(tmp_path, CONFIG)
    with pytest.raises(InputError, match=f"in use by another live run .process {os.getpid()} on"):
        Run(tmp_path, CONFIG)
    run.close()
    Run(tmp_path, CONFIG).close()


def test_what_is_saved_is_the_state_at_that_moment(tmp_path):
    change = jax.jit(lambda tree: jax.tree.map(lambda x: x + 1, tree), donate_argnums=0)
    run, tree = Run(tmp_path, CONFIG), {"a": jnp.zeros((512, 512))}
    for step in range(3):
        run.save(step, tree, {})
        for _ in range(20):  # while the save goes on, the memory is reused
            tree = change(tree)
    run.close()
    for step in (1, 2):
        found = read_tree(ocp.StandardCheckpointer(), tmp_path / "checkpoints" / str(step) / "state")["a"]
        assert np.all(found == 20 * step)


def test_a_disk_that_refuses_leaves_the_checkpoints_before(tmp_path):
    """A limit on file sizes stands for the full disk: the kernel refuses the write in the same way."""
    script = f"""
import resource, signal, sys
import numpy as np
from ml_collections import ConfigDict
from bilevel_jax.checkpoints import Run
from bilevel_jax.errors import run_command
def main(argv):
    run = Run({str(tmp_path)!r}, ConfigDict({{"fusion": {{"name": "tiny"}}}}))
    run.save(1, {{"a": np.zeros(10)}}, {{}}, wait=True)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    run.save(2, {{"a": np.random.default_rng(0).normal(size=(1000, 1000))}}, {{}}, wait=True)
sys.exit(run_command(main, [""]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"error: a checkpoint in {tmp_path} could not be written"), (
        done.stderr
    )
    assert int(load_run(tmp_path)[1]["a"].shape[0]) == 10


def test_a_key_that_came_later_had_its_default(tmp_path):
    run = Run(tmp_path, CONFIG)
    run.save(1, make_state(1.0), {}, wait=True)
    run.close()
    defaults = ConfigDict({"fusion": {"name": "paper", "skip": False}, "semantic": {"norm": "group"}})
    now = ConfigDict({"fusion": {"name": "tiny", "skip": False}, "semantic": {"norm": "group"}})
    Run(tmp_path, now, defaults=defaults).close()
    (tmp_path / "config.json").write_text(CONFIG.to_json())
    now.semantic.norm = "frozen"
    with pytest.raises(InputError, match="made with config.semantic.norm = 'group', and this command has 'frozen'"):
        Run(tmp_path, now, defaults=defaults)
