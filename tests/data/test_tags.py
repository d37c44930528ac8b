"""Pairs by their tag: from the groups or the names of a source, and what is refused."""

import re

import numpy as np
import pytest

from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.data.tags import pairs_with_tag, tags_of
from bilevel_jax.errors import InputError


class Named:
    """A source that is asked for its names and groups alone."""

    def __init__(self, names, groups=None):
        self.names, self.groups = names, groups

    def __len__(self):
        return len(self.names)


def test_tags_are_the_groups_or_else_what_the_names_say():
    assert tags_of(Named(["0001D", "2N"], ["fog", "rain"])) == ["fog", "rain"]
    assert tags_of(Named(["0001D", "2N"])) == ["day", "night"]
    assert tags_of(Named(["0001D", "0002N_flip"])) == ["day", "night"]
    assert tags_of(Named(["0001D", "other"])) is None
    scenes = SceneSource(30, seed=1, height=48, width=64)
    found = pairs_with_tag(scenes, "dusk", "inner_where", "training pairs")
    assert found.any() and not found.all()
    assert [scenes.groups[i] for i in np.flatnonzero(found)] == ["dusk"] * found.sum()


def test_no_tag_is_every_pair():
    assert pairs_with_tag(Named(["a", "b"]), "", "inner_where", "training pairs").all()


def test_an_unknown_tag_is_refused_with_the_tags_that_there_are():
    message = "config.data.outer_where is 'nigth'; expected '' or a tag of the training pairs: day (1 pairs), night (2"
    with pytest.raises(InputError, match=re.escape(message)):
        pairs_with_tag(Named(["1D", "2N", "3N"]), "nigth", "outer_where", "training pairs")
    with pytest.raises(InputError, match=r"inner_where is 'day', and .* 2 names do not end .* \(a, b\); expected ''"):
        pairs_with_tag(Named(["1D", "a", "b"]), "day", "inner_where", "training pairs")
