"""Parameters that networks start from: read back as written, known by their values, refused where they do not fit."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict
from ml_collections import ConfigDict

from bilevel_jax.checkpoints.parameters import save_parameters
from bilevel_jax.data.sets import open_sets
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.downstream.shared_initialisation import initial_of_config, read_initial, write_initial
from bilevel_jax.training.config import default_config
from bilevel_jax.training.initial_weights import rows_start
from bilevel_jax.training.networks import networks_from_config


def _config(channels=16):
    config = default_config()
    config.data.num_train, config.data.num_validation, config.data.block = 4, 2, 2
    config.semantic.depth, config.semantic.width, config.semantic.channels = 10, 8, channels
    return config


def _networks(config, sets):
    return networks_from_config(config, sets.train.class_names, sets.train.label_names)


@pytest.fixture(scope="module")
def made():
    config = _config()
    sets = open_sets(config.data, 0)
    networks = _networks(config, sets)
    shapes = jax.eval_shape(
        networks.semantic["semantic"].init, jax.random.PRNGKey(0), np.zeros((1, 96, 96, 3), np.float32)
    )
    rng = np.random.default_rng(0)
    return config, sets, networks, jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(np.float32), shapes)


def test_written_and_read(made, tmp_path):
    config, sets, networks, params = made
    path = tmp_path / "folder" / "start.safetensors"
    write_initial(path, config, sets, params)
    found = read_initial(path, config, sets, networks)
    jax.tree.map(np.testing.assert_array_equal, found.params, params)
    write_initial(tmp_path / "same.safetensors", config, sets, params)
    assert read_initial(tmp_path / "same.safetensors", config, sets, networks).origin == found.origin
    write_initial(tmp_path / "other.safetensors", config, sets, jax.tree.map(lambda leaf: 1.01 * leaf, params))
    assert read_initial(tmp_path / "other.safetensors", config, sets, networks).origin != found.origin


def test_the_run_that_the_configuration_names(made, tmp_path, capsys):
    config, sets, networks, params = made
    config = ConfigDict(config.to_dict())
    ones = lambda key, image: jax.tree.map(
        lambda leaf: jnp.ones(leaf.shape), params
    )  # its own takes seconds to compile
    networks = networks._replace(semantic={"semantic": types.SimpleNamespace(init=ones)})
    assert initial_of_config(config, networks, None) is None
    path = tmp_path / "start.safetensors"
    write_initial(path, config, sets, params)
    config.initial.run = str(path)
    found = initial_of_config(config, networks, None)
    jax.tree.map(np.testing.assert_array_equal, found.params, params)
    assert found.origin == read_initial(path, config, sets, made[2]).origin
    assert f"start from {path}: {len(jax.tree.leaves(params))} arrays of it, 0 others fresh" in capsys.readouterr().out
    # Of several places the first that holds a semantic network: the package's weights have none.
    config.initial.run = f"pretrained,{path}"
    assert initial_of_config(config, networks, None).origin == found.origin
    assert f"start from {path}: " in capsys.readouterr().out
    config.initial.run = str(path)
    # What a run's own table started from comes first; of other classes everything but the last layer is taken.
    fewer = jax.tree.map(lambda leaf: 0 * (leaf[..., :2] if leaf.shape[-1:] == (9,) else leaf), params)
    save_parameters(tmp_path / "run", rows_start("semantic"), fewer)
    kept = initial_of_config(config, networks, tmp_path / "run")
    kept, fewer, full = (flatten_dict(tree, sep="/") for tree in (kept.params, fewer, params))
    values = {name: np.abs(leaf).max() for name, leaf in kept.items()}
    fresh = [name for name, leaf in fewer.items() if leaf.shape != full[name].shape]
    assert fresh and values == {name: float(name in fresh) for name in values}
    config.initial.parts = ("fusion",)
    assert initial_of_config(config, networks, None) is None
    config.initial.parts = ("semantic",)
    write_initial(path, config, sets, {"params": {"other": np.zeros(3, np.float32)}})
    with pytest.raises(InputError, match="has no semantic network like this one"):
        initial_of_config(config, networks, None)


def test_what_does_not_fit(made, tmp_path):
    config, sets, _, params = made
    path = tmp_path / "start.safetensors"
    write_initial(path, config, sets, params)
    wider = _config(channels=32)
    with pytest.raises(InputError, match=r"has params/.* of shape \(.*16.*\), and config\.semantic makes \(.*32"):
        read_initial(path, wider, sets, _networks(wider, sets))
    named = sets._replace(train=type("Renamed", (), {"class_names": (), "label_names": ("road", "sky")})())
    with pytest.raises(InputError, match="has the classes .*person.*; expected road, sky, in this order"):
        read_initial(path, config, named, _networks(config, named))
