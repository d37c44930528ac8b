"""Masks of shared parameters are written as optax.masked's are, and a wrong one is an error."""

import collections

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.core import FrozenDict

from bilevel_jax.bilevel import combined_gradient, dynamic_aggregate
from bilevel_jax.bilevel.shared_leaves import shared_mask, split_leaves

TREE = {"trunk": {"b": 1, "k": 2}, "head": 3}


class Module:
    """A pytree with `__call__`, as an equinox module is."""

    def __init__(self, trunk, head):
        self.trunk, self.head = trunk, head

    def __call__(self, x):
        return x * self.trunk


jax.tree_util.register_pytree_with_keys(
    Module,
    lambda m: (((jax.tree_util.GetAttrKey("trunk"), m.trunk), (jax.tree_util.GetAttrKey("head"), m.head)), None),
    lambda _, children: Module(*children),
)


def split(tree, shared):
    weighed, heads, merge = split_leaves(tree, shared_mask(shared, tree))
    assert jax.tree.leaves(merge(weighed, heads)) == jax.tree.leaves(tree)
    return weighed, heads


@pytest.mark.parametrize(
    "mask",
    [
        {"trunk": {"b": True, "k": True}, "head": False},
        {"trunk": True, "head": False},
        FrozenDict({"trunk": True, "head": False}),
        collections.OrderedDict([("trunk", True), ("head", np.bool_(False))]),
        Module(True, False),
        lambda tree: {key: key == "trunk" for key in tree},
    ],
)
@pytest.mark.parametrize("kind", [dict, FrozenDict, lambda tree: Module(tree["trunk"], tree["head"])])
def test_forms_of_one_mask(mask, kind):
    if callable(mask) and not isinstance(mask, Module):
        kind = dict
    assert split(kind(TREE), mask) == ([1, 2], [3])


def test_one_bool_for_all_and_an_empty_subtree():
    assert split(TREE, False) == ([], [3, 1, 2])
    assert split({"trunk": 1, "empty": {}, "none": None}, {"trunk": True, "empty": True, "none": False}) == ([1], [])
    assert split([1, (2, 3)], [True, (False, True)]) == ([1, 3], [2])


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        ({"backbone": True, "head": False}, "no True or False for 'trunk/b': it has them for 'backbone', 'head'"),
        ({"trunk": True, "head": False, "neck": True}, "has 'neck', which no parameter has"),
        ({"trunk": True}, "no True or False for 'head'"),
        ({"trunk": "yes", "head": False}, "has 'yes' at 'trunk': expected True or False"),
        ({"trunk": {"b": True, "k": True, "scale": True}, "head": False}, "trunk/scale"),
        ({"trunk": 1.0, "head": False}, "expected True or False"),
    ],
)
def test_a_mask_that_does_not_match_is_an_error(mask, message):
    with pytest.raises(ValueError, match=message):
        split(TREE, mask)


def test_a_function_sees_the_shapes_of_the_parameters():
    """The gradients have a task axis more, which must not change a mask that is made by dimensions."""
    shared = lambda tree: jax.tree.map(lambda leaf: leaf.ndim == 2, tree)  # noqa: E731
    params = {"k": jnp.zeros((2, 2)), "b": jnp.zeros(2)}
    grads = {"k": jnp.stack([jnp.eye(2), 2 * jnp.eye(2)]), "b": jnp.ones((2, 2))}
    tx = dynamic_aggregate("equal", shared=shared)
    updates, _ = tx.update(grads, tx.init(params), params)
    np.testing.assert_allclose(updates["k"], 1.5 * np.eye(2))
    np.testing.assert_allclose(updates["b"], 2.0)
    losses = lambda p: (jnp.trace(p["k"]) + p["b"].sum(), 2 * jnp.trace(p["k"]) + p["b"].sum())  # noqa: E731
    _, combined = combined_gradient(losses, params, jnp.array([0.5, 0.5]), shared=shared)
    jax.tree.map(np.testing.assert_allclose, combined, updates)
