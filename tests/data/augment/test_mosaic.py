"""A mosaic: four pairs, their boxes on them, and what is unknown of one is unknown of all."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bilevel_jax.data.augment.mosaic import mosaic
from bilevel_jax.data.augment.recipe import Augmentation

CROP = (48, 64)
seeds = st.integers(0, 2**31)


@settings(max_examples=40, deadline=None)
@given(seed=seeds, scale=st.sampled_from([(1.0, 1.0), (0.5, 1.5)]))
def test_a_mosaic_shows_four_items_and_their_boxes_lie_on_them(seed, scale, rectangle, augmented):
    items = [rectangle((10 + 5 * i, 20 + 8 * i, 40 + 5 * i, 60 + 8 * i), number=i) for i in range(6)]
    recipe = Augmentation(CROP, flip=True, brightness=0.0, scale=scale, mosaic=1.0)
    made = augmented(recipe, items[0], seed, items[1:])
    assert made["index"] == 0 and made["has_boxes"] and made["has_labels"] and len(made["boxes"]) <= 4
    assert made["ir"].shape == (*CROP, 1) and made["boxes"].dtype == np.float32 and made["classes"].dtype == np.int32
    for y0, x0, y1, x1 in made["boxes"]:
        inside = made["labels"][int(np.ceil(y0)) : int(y1), int(np.ceil(x0)) : int(x1)]
        assert inside.size and (inside == 1).mean() > 0.9
    np.testing.assert_array_equal(made["vis"][..., 0] > 127, made["ir"][..., 0] > 127)
    assert ((made["labels"] == 1) != (made["ir"][..., 0] > 127)).mean() < 0.06


def test_a_mosaic_takes_each_quadrant_from_another_item(rectangle):
    items = []
    for i in range(4):
        item = rectangle((0, 0, 80, 112), number=i)
        items.append({**item, "labels": np.full((80, 112), i, np.int32), "ir": np.full((80, 112, 1), 40 * i, np.uint8)})
    cut = lambda item, size: {**item, **{k: item[k][: size[0], : size[1]] for k in ("ir", "vis", "saliency", "labels")}}
    made = mosaic(items, CROP, np.random.default_rng(0), cut)
    corners = [made["labels"][y, x] for y in (0, -1) for x in (0, -1)]
    assert corners == [0, 1, 2, 3]
    np.testing.assert_array_equal(made["ir"][..., 0], 40 * made["labels"])


def test_a_mosaic_with_an_item_without_boxes_has_none_and_keeps_the_other_labels(rectangle, augmented):
    items = [rectangle((0, 0, 40, 40), number=i) for i in range(4)]
    items[2] |= {"has_boxes": np.bool_(False), "has_labels": np.bool_(False), "boxes": np.zeros((0, 4), np.float32)}
    items[2] |= {"classes": np.zeros(0, np.int32), "labels": np.broadcast_to(np.int32(255), (80, 112))}
    items[3] = rectangle((0, 0, 40, 40), number=3, dtype=np.uint16)
    recipe = Augmentation(CROP, flip=False, brightness=0.0, mosaic=1.0)
    some = [augmented(recipe, items[0], seed, items[2:3]) for seed in range(3)]
    for made in some:
        assert not made["has_boxes"] and len(made["boxes"]) == len(made["classes"]) == 0 and made["has_labels"]
        assert (made["labels"][-1, -1] == 255) and made["labels"][0, 0] != 255
    deep = augmented(recipe, items[0], 0, items[3:])
    assert deep["ir"].dtype == deep["vis"].dtype == np.uint16
    assert set(np.unique(deep["ir"])) <= {0, 65535}  # 8 bit white is 16 bit white
