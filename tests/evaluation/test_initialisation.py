"""Parameters that networks start from: read back as written, known by their values, refused where they do not fit."""

import jax
import numpy as np
import pytest

from bilevel_jax.data.sets import open_sets
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.initialisation import read_initial, write_initial
from bilevel_jax.evaluation.settings import check_settings
from bilevel_jax.training.config import default_config
from bilevel_jax.training.problem import networks_from_config


def _config(channels=16):
    config = default_config()
    config.data.num_train, config.data.num_validation, config.data.block = 4, 2, 2
    config.semantic.width, config.semantic.channels = 8, channels
    return config


def _networks(config, sets):
    return networks_from_config(config, sets.train.class_names, sets.train.label_names)


@pytest.fixture(scope="module")
def made():
    config = _config()
    sets = open_sets(config.data, 0)
    networks = _networks(config, sets)
    shapes = jax.eval_shape(networks.semantic.init, jax.random.PRNGKey(0), np.zeros((1, 96, 96, 3), np.float32))
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


def test_what_does_not_fit(made, tmp_path):
    config, sets, _, params = made
    path = tmp_path / "start.safetensors"
    write_initial(path, config, sets, params)
    wider = _config(channels=32)
    with pytest.raises(InputError, match=r"has params/.* of shape \(.*16.*\), and config\.semantic makes \(.*32"):
        read_initial(path, wider, sets, _networks(wider, sets))
    named = sets._replace(train=type("Renamed", (), {"class_names": (), "label_names": ("road", "sky")})())
    with pytest.raises(InputError, match="tells .*person.* apart; expected road, sky, in this order"):
        read_initial(path, config, named, _networks(config, named))


def test_settings_from_before_a_key_existed_had_its_default(tmp_path):
    path = tmp_path / "settings.json"
    check_settings(path, {"rows": {"steps": 7}, "pairs": None}, "cells")
    default = default_config().rows.batch_size
    check_settings(path, {"rows": {"steps": 7, "batch_size": default}, "pairs": None}, "cells")
    with pytest.raises(InputError, match=rf"holds cells made with rows\.batch_size = {default}, and it is 3 now"):
        check_settings(path, {"rows": {"steps": 7, "batch_size": 3}, "pairs": None}, "cells")
    with pytest.raises(InputError, match="pairs = None, and it is 'there' now"):
        check_settings(path, {"rows": {"steps": 7}, "pairs": "there"}, "cells")
