"""The pairs that teach where a run may use only a number of labels (`config.data.inner_labels`)."""

from collections.abc import Sequence

import numpy as np

from bilevel_jax.data.hold_out import Indices
from bilevel_jax.data.sources.source import Sample, Source
from bilevel_jax.data.tags import tags_of
from bilevel_jax.errors import InputError


def draw_labelled(source: Source, indices: Indices, number: int, seed: int) -> Indices:
    """Draws labelled pairs at random, with the share of day and of night that the pairs have.

    The draw depends on the arguments alone. The pairs of a smaller number are among those of a larger one. Only as many
    pairs are read as it takes to find the labelled ones.

    Args:
        source: the training pairs.
        indices: of the inner part, ascending.
        number: how many pairs are drawn; 0 = all of `indices`, labelled or not.
        seed: of the draw, from 0 on.

    Returns:
        The indices of the pairs that were drawn, ascending.

    Raises:
        InputError: there are fewer labelled pairs.
    """
    if number == 0:
        return indices
    found: list[int] = []
    for index in _stratified_order(source, indices, seed):
        if len(found) == number:
            break
        if _is_labelled(source, source[int(index)]):
            found.append(int(index))
    if len(found) < number:
        raise InputError(
            f"config.data.inner_labels is {number}, and {len(found)} of the {len(indices)} pairs of the inner part "
            f"are labelled; expected at most {len(found)}, or 0 for all pairs."
        )
    return np.sort(np.array(found, np.int64))


def _stratified_order(source: Source, indices: Indices, seed: int) -> Indices:
    """Returns `indices` in a random order whose every beginning has nearly the share of each tag that the whole has."""
    rng = np.random.default_rng([seed, len(source)])
    tags = tags_of(source)
    own: Sequence[str] = [""] * len(indices) if tags is None else [tags[i] for i in indices.tolist()]
    place = np.zeros(len(indices))
    for tag in sorted(set(own)):
        members = np.flatnonzero([name == tag for name in own])
        place[members] = (rng.permutation(len(members)) + 0.5) / len(members)
    return indices[np.argsort(place, kind="stable")]


def _is_labelled(source: Source, sample: Sample) -> bool:
    """Whether a pair has each kind of annotation that its data set has, boxes and a label map."""
    boxes = bool(sample["has_boxes"]) or not source.class_names
    labels = bool(sample["has_labels"]) or not source.label_names
    return boxes and labels and bool(source.class_names or source.label_names)
