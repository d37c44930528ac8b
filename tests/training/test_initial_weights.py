"""Starting from other runs: what fits is taken over bit for bit, what does not is named and stays."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from bilevel_jax.checkpoints.weights import Weights, read_weights, write_weights
from bilevel_jax.errors import InputError
from bilevel_jax.inference.pretrained import pretrained_file
from bilevel_jax.training.initial_weights import start_from, take_over
from bilevel_jax.training.state import TrainState


def tree(value, classes=4, **more):
    """A network of two modules; `more` adds a module of one kernel each."""
    leaf = lambda *shape: jnp.full(shape, float(value))
    params = {"stem": {"kernel": leaf(3, 2), "bias": leaf(2)}, "head": {"kernel": leaf(2, classes)}}
    return {"params": params | {name: {"kernel": leaf(*shape)} for name, shape in more.items()}}


def state(value, classes=4, **more):
    inner = {"visual": tree(value), "semantic": tree(value, classes, **more)}
    return TrainState(jnp.int32(0), jnp.zeros(2, jnp.uint32), tree(value), (), ("outer",), inner, {"visual": ()})


def written(path, value, step, *names):
    """A file of networks, every value the same, the semantic one of 4 classes."""
    parts = {name: jax.tree.map(np.asarray, tree(value)) for name in names}
    write_weights(path, Weights(ConfigDict(), {"boxes": [], "labels": []}, step, {}, parts))
    return str(path)


@pytest.fixture
def source(tmp_path):
    """A file with all three networks, every value 7."""
    return written(tmp_path / "other.safetensors", 7, 30, "fusion", "discriminator", "semantic")


def values(params):
    return {jax.tree_util.keystr(path): float(leaf.ravel()[0]) for path, leaf in jax.tree.leaves_with_path(params)}


def test_arrays_of_one_path_and_shape_are_taken_over():
    merged, found = take_over(tree(1, classes=4, extra=(5,)), tree(2, classes=9, other=(5,)))
    assert jax.tree.structure(merged) == jax.tree.structure(tree(1, extra=(5,)))
    assert set(found.taken) == {"params/stem/kernel", "params/stem/bias"}
    assert found.missing == ["params/extra/kernel"] and found.unused == ["params/other/kernel"]
    assert found.differing == {"params/head/kernel": ((2, 4), (2, 9))}
    flat = {name.replace("']", "").replace("['", "/"): value for name, value in values(merged).items()}
    assert flat == {
        "/params/" + k: v for k, v in (("stem/kernel", 2), ("stem/bias", 2), ("head/kernel", 1), ("extra/kernel", 1))
    }


def test_a_state_starts_from_all_networks_and_the_table_says_what_fits(source):
    before = state(1, classes=9, neck=(2,))
    after, said = start_from(source, ("fusion", "discriminator", "semantic"), before)
    assert set(values((after.outer_params, after.inner_params["visual"])).values()) == {7.0}
    semantic = after.inner_params["semantic"]["params"]
    assert float(semantic["stem"]["kernel"][0, 0]) == 7 and float(semantic["head"]["kernel"][0, 0]) == 1
    assert (after.step, after.outer_state) == (before.step, before.outer_state)
    lines = [line.split() for line in said.splitlines()]
    assert ["fusion", "stem", "2", "0", "0"] in lines and ["fusion", "head", "1", "0", "0"] in lines
    assert ["semantic", "head", "0", "0", "1"] in lines and ["semantic", "neck", "0", "1", "0"] in lines
    assert "params/head/kernel (2, 9) here, (2, 4) there" in said and f"step 30 of {source}" in said


def test_parts_that_are_not_asked_for_or_not_there_stay(source):
    after, said = start_from(source, ("semantic",), state(1))
    assert set(values((after.outer_params, after.inner_params["visual"])).values()) == {1.0}
    assert set(values(after.inner_params["semantic"]).values()) == {7.0} and "fusion" not in said
    alone = state(1).replace(inner_params={})  # a run without these networks
    after, said = start_from(source, ("fusion", "discriminator", "semantic"), alone)
    assert after.inner_params == {} and set(values(after.outer_params).values()) == {7.0}


def test_a_network_that_never_learns_is_taken_over_whole(source):
    parts = ("fusion", "semantic", "segmenter")
    after, _ = start_from(source, parts, state(1), fixed=["semantic"])
    assert set(values(after.inner_params["semantic"]).values()) == {7.0}
    with pytest.raises(
        InputError, match=r"config\.semantic\.trainable is False, .* 2 of this network's 3 arrays, and "
    ):
        start_from(source, parts, state(1, classes=9), fixed=["semantic"])
    three = state(1).replace(inner_params=state(1).inner_params | {"segmenter": tree(1)})
    with pytest.raises(
        InputError, match=r"0 of this network's 3 arrays, and not params/.*, or --config\.segmenter\.st"
    ):
        start_from(source, parts, three, fixed=["segmenter"])


def test_each_network_comes_from_the_first_place_that_holds_it(source, tmp_path):
    first = written(tmp_path / "first.safetensors", 5, 9, "semantic")
    run = f"{first}, {source}"
    after, said = start_from(run, ("fusion", "discriminator", "semantic"), state(1))
    assert set(values((after.outer_params, after.inner_params["visual"])).values()) == {7.0}
    assert set(values(after.inner_params["semantic"]).values()) == {5.0}
    assert said.splitlines()[:2] == [
        f"Arrays taken over from step 9 of {first}: semantic 3",
        f"Arrays taken over from step 30 of {source}: fusion 3, discriminator 3",
    ]
    after, said = start_from(run, ("semantic",), state(1))
    assert set(values((after.outer_params, after.inner_params["visual"])).values()) == {1.0}
    assert f"No network is taken over from {source}." in said


@pytest.mark.parametrize("place, name", [("pretrained", None), ("pretrained:detector", "detector")])
def test_the_fusion_network_of_the_package_and_a_semantic_one_of_a_file(source, place, name):
    fusion = read_weights(pretrained_file(name)).parts["fusion"]
    before = state(1).replace(outer_params=jax.tree.map(lambda leaf: jnp.zeros(leaf.shape), fusion))
    after, said = start_from(f"{place},{source}", ("fusion", "semantic"), before)
    jax.tree.map(np.testing.assert_array_equal, after.outer_params, fusion)
    assert set(values(after.inner_params["semantic"]).values()) == {7.0}
    assert f" of {place}: fusion {len(jax.tree.leaves(fusion))}\n" in said and f"of {source}: semantic 3" in said


def test_networks_of_further_tasks_are_taken_over_by_name_and_the_others_stay(tmp_path):
    source = written(tmp_path / "other.safetensors", 7, 30, "fusion", "segmenter", "yolox")
    before = state(1)
    before = before.replace(inner_params=before.inner_params | {"segmenter": tree(1), "guard": tree(1)})
    after, said = start_from(source, ("discriminator", "segmenter"), before)
    taken = {task: set(values(params).values()) for task, params in after.inner_params.items()}
    assert taken == {"visual": {1.0}, "semantic": {1.0}, "segmenter": {7.0}, "guard": {1.0}}
    assert f"Arrays taken over from step 30 of {source}: segmenter 3" in said


def test_places_that_are_none_are_refused(source):
    for run, message in (
        (f"{source},", r"config\.initial\.run is '.*,'; expected one place, or several with a comma between two\.$"),
        (f"{source},pretrained:none", "There are no pretrained weights 'none'; expected one of detector, "),
        (f"{source},none.safetensors", "none.safetensors does not exist"),
    ):
        with pytest.raises(InputError, match=message):
            start_from(run, ("fusion",), state(1))


def test_nothing_that_fits_is_an_error(source, tmp_path):
    other = state(1).replace(inner_params={"semantic": {"params": {"conv": {"kernel": jnp.zeros((2, 2))}}}})
    with pytest.raises(InputError, match=r"which has fusion \(3 arrays\).*none of its arrays.*\(semantic\)"):
        start_from(source, ("semantic",), other)
    with pytest.raises(InputError, match="is not a run's folder"):
        start_from(str(tmp_path), ("semantic",), other)
