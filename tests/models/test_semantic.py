"""What every semantic network of the registry must do; a new network is tested here as soon as it has a name."""

import jax
import jax.numpy as jnp
import pytest

from bilevel_jax.boxes.predictions import DensePredictions
from bilevel_jax.errors import InputError
from bilevel_jax.models import decode
from bilevel_jax.models.semantic import (
    SEMANTIC_NETWORKS,
    semantic_help,
    semantic_names,
    semantic_network,
    semantic_options,
)

BY_NAME = [(task, name) for task, networks in SEMANTIC_NETWORKS.items() for name in networks]
SMALL = {"depth": 10, "width": 8, "channels": 16, "head_convs": 1, "stem_stride": 2, "norm": "group"}


@pytest.mark.parametrize("task, name", BY_NAME)
def test_a_network_by_its_name_has_the_outputs_of_its_task_and_a_backbone(task, name):
    options = {key: SMALL[key] for key in semantic_options(task, name)}
    network = semantic_network(task, 5, name, **options)
    image = jax.ShapeDtypeStruct((2, 64, 51, 3), jnp.float32)
    outputs, params = jax.eval_shape(network.init_with_output, jax.random.key(0), image)
    assert "backbone" in params["params"]  # imported weights replace what stands there
    if task == "segmentation":
        assert outputs.shape == (2, 64, 51, 5) and outputs.dtype == jnp.float32
        return
    assert outputs.keys() == DensePredictions.__annotations__.keys()
    locations = len(outputs["locations"])
    assert outputs["logits"].shape == (2, locations, 5) and outputs["boxes"].shape == (2, locations, 4)
    assert outputs["strides"].shape == (locations,) and outputs["ranges"].shape == (locations, 2)
    assert jax.eval_shape(decode, outputs)["boxes"].shape == (2, 100, 4)


@pytest.mark.parametrize("task, name", BY_NAME)
def test_an_option_reaches_the_network_and_stands_with_its_name_in_the_help(task, name):
    assert semantic_network(task, 7, name, channels=24).channels == 24
    assert semantic_network(task, 7, name).num_classes == 7
    network = SEMANTIC_NETWORKS[task][name]
    assert name in semantic_names() and not set(network.options) & set(semantic_options(task, name))
    given = name or '""'
    assert f"{given} = {network.help}" in semantic_help()


def test_the_networks_of_the_documents():
    assert list(SEMANTIC_NETWORKS) == ["detection", "segmentation"]
    assert semantic_names() == ("", "deeplab", "segformer_b0", "segformer_b1", "segformer_b2", "segformer_b3")
    everything = ["channels", "depth", "head_convs", "norm", "stem_stride", "width"]
    assert semantic_options("detection") == everything
    assert semantic_options("segmentation", "segformer_b2") == ["channels"]


def test_what_is_not_known_is_refused_with_its_key():
    with pytest.raises(InputError, match="'depths' is no option of detection; expected one of channels, depth"):
        semantic_network("detection", 3, depths=18)
    with pytest.raises(InputError, match=r"config\.semantic\.task is 'depth'; expected one of detection, segm"):
        semantic_network("depth", 3)
    with pytest.raises(InputError, match=r"config\.semantic\.network is 'deeplab'; expected one of '' for detection"):
        semantic_network("detection", 3, "deeplab")
