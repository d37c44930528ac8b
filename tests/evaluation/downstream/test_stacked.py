"""A network that sees both cameras as channels, and rows whose network starts from noise."""

import jax
import numpy as np
import pytest

from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.data.sets import open_sets
from bilevel_jax.evaluation.downstream.shared_initialisation import Initial
from bilevel_jax.evaluation.downstream.train_cells import Input, train_cells
from bilevel_jax.evaluation.inputs import InputSource
from bilevel_jax.evaluation.semantic_trainer import SemanticTrainer
from bilevel_jax.training.config import check_config, default_config
from bilevel_jax.training.networks import networks_from_config
from bilevel_jax.training.state import initial_task_params


@pytest.fixture
def config(tiny_networks):
    config = default_config()
    config.data.num_train, config.data.num_validation, config.data.num_test = 6, 3, 4
    config.data.height, config.data.width = 48, 64
    config.data.crop = (48, 48)
    config.rows.steps, config.rows.batch_size = 2, 2
    return check_config(config)


def test_a_stacked_network_sees_the_infrared_image_before_the_visible_one(config):
    """Without its weights for the infrared channel it is the network of the visible image."""
    pairs = SceneSource(3, seed=1, height=48, width=64)
    networks = networks_from_config(config, pairs.class_names, pairs.label_names)
    stacked, plain = (SemanticTrainer(config, networks, stacked=flag) for flag in (True, False))
    source = InputSource(pairs, "vis")
    layer = initial_task_params(config, networks.semantic["semantic"], jax.random.PRNGKey(0), 4)["params"]["classify"]
    kernel, bias = layer["kernel"], layer["bias"]
    assert kernel.shape[2] == 4

    def found(trainer, kernel):
        given = {"params": {"classify": {"kernel": kernel, "bias": bias}}}
        return np.stack([own["labels"] for own in trainer.predict(given, source)])

    blind = found(stacked, kernel.at[:, :, 0].set(0))
    np.testing.assert_array_equal(blind, found(plain, kernel[:, :, 1:]))
    assert (blind != found(stacked, kernel)).any()


def test_noise_starts_as_the_seed_draws_it_whatever_the_others_start_from(config, tmp_path):
    sets = open_sets(config.data, config.seed)
    networks = networks_from_config(config, sets.train.class_names, sets.train.label_names)
    drawn = initial_task_params(config, networks.semantic["semantic"], jax.random.PRNGKey(0))
    start = Initial(jax.tree.map(lambda leaf: -leaf, drawn), {"sha256": "turned"})
    plain = {"vi": Input("vis", None, {"kind": "vis"})}
    inputs = plain | {
        "noise:vi": Input("vis", None, {"kind": "vis", "start": "noise"}, noise=True),
        "stacked": Input("vis", None, {"kind": "stacked"}, stacked=True, noise=True),
    }
    cells = train_cells(config, sets, inputs, [0], tmp_path / "turned", initial=start)
    alone = train_cells(config, sets, plain, [0], tmp_path / "drawn")
    assert cells["noise:vi"][0]["confusions"] == alone["vi"][0]["confusions"]
    assert cells["vi"][0]["confusions"] != alone["vi"][0]["confusions"]
    assert cells["stacked"][0]["confusions"] != alone["vi"][0]["confusions"]
