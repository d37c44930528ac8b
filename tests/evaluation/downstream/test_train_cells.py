"""The cells of a downstream comparison: tiny networks on tiny scenes, stopped and continued; mixed inputs."""

import numpy as np
import pytest

from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.data.sets import open_sets
from bilevel_jax.errors import InputError, StopSignal
from bilevel_jax.evaluation import semantic_trainer
from bilevel_jax.evaluation.downstream import train_cells as downstream
from bilevel_jax.evaluation.downstream.train_cells import Input, train_cells
from bilevel_jax.evaluation.inputs import ConcatenatedInputs, InputSource
from bilevel_jax.evaluation.semantic_trainer import SemanticTrainer
from bilevel_jax.training.config import check_config, default_config
from bilevel_jax.training.networks import networks_from_config

INPUTS = {name: Input(kind, None, {"kind": kind}) for name, kind in (("vi", "vis"), ("max", "max"))}


def _config():
    config = default_config()
    config.data.num_train, config.data.num_validation, config.data.num_test = 6, 3, 4
    config.data.height, config.data.width = 48, 64
    config.data.crop = (48, 48)
    config.semantic.depth, config.semantic.width, config.semantic.channels = 10, 8, 16
    config.rows.steps, config.rows.batch_size = 2, 2
    return config


@pytest.fixture(scope="module")
def pairs():
    return SceneSource(3, seed=1, height=48, width=64)


def test_a_mixture_has_every_record_with_every_kind(pairs):
    brighter = InputSource(pairs, "max")
    mixed = ConcatenatedInputs([InputSource(pairs, "ir"), brighter])
    assert len(mixed) == 6 and mixed.names == pairs.names * 2
    for i in range(3):
        np.testing.assert_array_equal(mixed[i]["vis"][..., :1], pairs[i]["ir"])
        np.testing.assert_array_equal(mixed[i + 3]["labels"], pairs[i]["labels"])
        np.testing.assert_array_equal(mixed[i + 3]["vis"], brighter.images[i])
        assert mixed[i + 3]["index"] == i + 3


@pytest.mark.slow
def test_stopped_and_continued(tmp_path, monkeypatch):
    config = check_config(_config())
    sets = open_sets(config.data, config.seed)
    trained = []
    train = downstream.SemanticTrainer.train

    def counted(self, source, title, *rest):
        trained.append(title)
        return train(self, source, title, *rest)

    monkeypatch.setattr(downstream.SemanticTrainer, "train", counted)
    steps = iter(range(10**6))

    def stop_in_the_second_training():
        next(steps)
        if len(trained) == 2:
            raise StopSignal("now")

    with pytest.raises(StopSignal):
        train_cells(config, sets, INPUTS, [0, 1], tmp_path, check_stop=stop_in_the_second_training)
    assert trained == ["vi, seed 0", "vi, seed 1"]
    first = (tmp_path / "cells" / "vi" / "seed_0.json").read_bytes()
    cells = train_cells(config, sets, INPUTS, [0, 1], tmp_path)
    assert trained[2:] == ["vi, seed 1", "max, seed 0", "max, seed 1"]
    assert (tmp_path / "cells" / "vi" / "seed_0.json").read_bytes() == first
    assert all(len(cells[name][seed]["names"]) == 4 for name in INPUTS for seed in (0, 1))
    assert cells["vi"][0]["confusions"] != cells["vi"][1]["confusions"]
    # Nothing is left to do; what was made with other settings is not mixed in.
    assert train_cells(config, sets, INPUTS, [0, 1], tmp_path) == cells and len(trained) == 5
    other = _config()
    other.rows.steps = 3
    with pytest.raises(InputError, match="rows.steps = 2, and it is 3 now"):
        train_cells(check_config(other), sets, INPUTS, [0], tmp_path)
    # Nor are cells of another split.
    assert cells["vi"][0]["split"] == "test" and set(cells["vi"][0]["names"]) == set(sets.test.names)
    with pytest.raises(InputError, match="split = 'test', and it is 'val' now"):
        train_cells(config, sets, INPUTS, [0], tmp_path, split="val")


def test_a_network_of_three_channels_cannot_be_stacked():
    config = _config()
    config.semantic.network = "segformer_b0"
    config = check_config(config)
    networks = networks_from_config(config, (), ("a", "b"))
    with pytest.raises(InputError, match="config.semantic takes images of three channels"):
        SemanticTrainer(config, networks, stacked=True)


@pytest.mark.parametrize("part", ["all", "inner"])
def test_the_networks_learn_from_all_training_pairs_or_from_the_inner_part(part, tmp_path, monkeypatch):
    config = _config()
    config.rows.learn_from, config.data.inner_labels = part, 2
    config = check_config(config)
    sets = open_sets(config.data, config.seed)

    class Asked(Exception):
        pass

    def asked(self, source, *rest):
        raise Asked(source.names)

    monkeypatch.setattr(downstream.SemanticTrainer, "train", asked)
    with pytest.raises(Asked) as given:
        train_cells(config, sets, INPUTS, [0], tmp_path)
    names = {"all": list(sets.train.names), "inner": [sets.train.names[i] for i in sets.inner]}
    assert given.value.args[0] == names[part] and len(names["inner"]) == 2


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_networks_follow_the_balance_of_rows_and_not_that_of_the_run(share, pairs, monkeypatch):
    config = _config()
    config.data.balance, config.rows.balance, config.data.balance_classes = 1.0 - share, share, ("car",)
    config = check_config(config)

    class Asked(Exception):
        pass

    def asked(config, source, indices, **options):
        raise Asked(options["balance"])

    monkeypatch.setattr(semantic_trainer, "configured_batches", asked)
    networks = networks_from_config(config, pairs.class_names, pairs.label_names)
    trainer = SemanticTrainer(config, networks)
    with pytest.raises(Asked) as given:
        trainer.train(InputSource(pairs, "vis"), "vi", initial={"w": np.zeros(2)})
    assert given.value.args == (share,)
