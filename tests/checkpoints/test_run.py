"""A run's folder: what goes in comes out, and another model's run is refused."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import struct
from ml_collections import ConfigDict

from bilevel_jax.checkpoints import Run, load_run
from bilevel_jax.checkpoints.run import load_parameters, save_parameters
from bilevel_jax.errors import InputError


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
