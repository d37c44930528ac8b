"""Collecting the networks of a room from its files: what is refused."""

import sys
from types import ModuleType

import flax.linen as nn
import pytest

from bilevel_jax.models.fusion import FusionNetwork
from bilevel_jax.models.fusion.dilated_dense import DilatedDenseFusion
from bilevel_jax.models.named_network import NamedNetwork, collect_networks


@pytest.fixture
def room(monkeypatch):
    """A package of two files, whose networks a test sets."""
    for name in ("room", "room.first", "room.second"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["room.first"].VARIANTS = {"a": NamedNetwork(DilatedDenseFusion, {"blocks": 1}, "one block")}
    sys.modules["room.second"].VARIANTS = {"b": NamedNetwork(DilatedDenseFusion, {"blocks": 2}, "two blocks")}
    return sys.modules["room.second"].VARIANTS


def test_names_come_in_the_order_of_the_files(room):
    assert list(collect_networks("room", ("second", "first"), FusionNetwork)) == ["b", "a"]


def test_a_second_network_of_one_name_is_refused(room):
    room["a"] = room["b"]
    with pytest.raises(ValueError, match=r"room\.second declares the network 'a' a second time"):
        collect_networks("room", ("first", "second"), FusionNetwork)


def test_a_network_of_another_kind_is_refused(room):
    room["b"] = NamedNetwork(nn.Dense, {}, "a layer")
    with pytest.raises(TypeError, match=r"room\.second declares Dense; expected a subclass of FusionNetwork"):
        collect_networks("room", ("first", "second"), FusionNetwork)
