"""Batches: shapes and types, epochs, seeds, positions that continue, and whole images."""

import json

import numpy as np
import pytest

from bilevel_jax.data.pipeline import evaluation_batches, training_batches
from bilevel_jax.data.sources.source import Source
from bilevel_jax.errors import InputError

CROP = (32, 40)


class Memory(Source):
    """A source whose pixels say where they are: ir = row, vis = (column, row, item), label = item."""

    class_names, label_names, groups = ("person", "bicycle", "car"), (), None

    def __init__(self, sizes=((48, 60),) * 10, deep=()):
        self.names = [f"item{i}" for i in range(len(sizes))]
        self.records = [self.make(i, *size, i in deep) for i, size in enumerate(sizes)]

    def make(self, item, height, width, deep):
        rows, columns = (x.astype(np.uint8) for x in np.mgrid[:height, :width])
        vis = np.stack([columns, rows, np.full_like(rows, item)], axis=-1)
        return {
            "ir": rows[..., None].astype(np.uint16) * 257 if deep else rows[..., None],
            "vis": vis.astype(np.uint16) * 257 if deep else vis,
            "saliency": columns[..., None],
            "labels": (rows.astype(np.int32) * 60 + columns) % 200,
            "boxes": np.float32([[8, 10, 24, 20], [30, 30, 46, 56]]),
            "classes": np.int32([1, 2]),
            "has_labels": np.bool_(True),
            "has_boxes": np.bool_(True),
            "index": np.int64(item),
        }

    def __len__(self):
        return len(self.records)

    def __getitem__(self, index):
        return self.records[index]


def batches(source, number, indices=None, **options):
    options = {"batch_size": 4, "crop": CROP, "seed": 5, "num_threads": 0, **options}
    iterator = training_batches(source, range(len(source)) if indices is None else indices, **options)
    return iterator, [next(iterator) for _ in range(number)]


def assert_same(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert a.keys() == b.keys()
        for key in a:
            assert a[key].dtype == b[key].dtype
            np.testing.assert_array_equal(a[key], b[key], err_msg=key)


def indices_of(some):
    return np.concatenate([batch["index"] for batch in some])


def test_the_batch_is_the_designs_table():
    _, (batch,) = batches(Memory(), 1)
    assert {key: (value.shape, value.dtype.name) for key, value in batch.items()} == {
        "ir": ((4, 32, 40, 1), "uint8"),
        "vis": ((4, 32, 40, 3), "uint8"),
        "saliency": ((4, 32, 40, 1), "uint8"),
        "labels": ((4, 32, 40), "int32"),
        "boxes": ((4, 32, 4), "float32"),
        "classes": ((4, 32), "int32"),
        "has_labels": ((4,), "bool"),
        "has_boxes": ((4,), "bool"),
        "index": ((4,), "int64"),
    }


def test_images_labels_and_saliency_stay_registered():
    _, some = batches(Memory(), 10, brightness=0.0)
    for batch in some:
        rows, columns = batch["ir"][..., 0].astype(int), batch["vis"][..., 0].astype(int)
        np.testing.assert_array_equal(batch["vis"][..., 1], rows)
        np.testing.assert_array_equal(batch["saliency"][..., 0], columns)
        np.testing.assert_array_equal(batch["labels"], (rows * 60 + columns) % 200)
        assert (batch["vis"][..., 2] == batch["index"][:, None, None]).all()


def test_boxes_follow_the_pixels():
    _, some = batches(Memory(), 20, brightness=0.0)
    found = 0
    for batch in some:
        for item in range(4):
            rows, columns = batch["ir"][item, :, :, 0].astype(int), batch["vis"][item, :, :, 0].astype(int)
            for box, label in zip(batch["boxes"][item], batch["classes"][item], strict=True):
                if label < 0:
                    assert (box == 0).all()
                    continue
                y0, x0, y1, x1 = box.astype(int)
                inside = rows[y0:y1, x0:x1], columns[y0:y1, x0:x1]
                top, left, bottom, right = (8, 10, 24, 20) if label == 1 else (30, 30, 46, 56)
                # The pixels under the box are those of the part of the object that the crop shows.
                assert inside[0].min() == max(top, rows.min()) and inside[0].max() == min(bottom - 1, rows.max())
                assert inside[1].min() == max(left, columns.min()) and inside[1].max() == min(right - 1, columns.max())
                found += 1
    assert found > 60


def test_an_epoch_has_every_item_once_and_each_its_own_order():
    _, some = batches(Memory(), 15)
    order = indices_of(some).reshape(6, 10)
    assert (np.sort(order, axis=1) == np.arange(10)).all()
    assert len({tuple(epoch) for epoch in order}) == 6


@pytest.mark.parametrize("num_threads", [0, 1])
def test_batches_of_one_are_the_samples_of_larger_ones(num_threads):
    ones, fours = batches(Memory(), 12, batch_size=1, num_threads=num_threads), batches(Memory(), 3)
    joined = [
        {key: np.concatenate([one[key] for one in ones[1][4 * k : 4 * k + 4]]) for key in ones[1][0]} for k in range(3)
    ]
    assert_same(joined, fours[1])
    ones[0].set_state({"next_index": 5})
    assert_same([next(ones[0])], ones[1][5:6])
    ones[0].close()


def test_only_the_given_indices_come():
    _, some = batches(Memory(), 6, indices=np.array([7, 2, 5]))
    assert (np.bincount(indices_of(some), minlength=10) == [0, 0, 8, 0, 0, 8, 0, 8, 0, 0]).all()


def test_an_item_is_cropped_anew_in_each_epoch():
    _, some = batches(Memory(), 8, indices=[3], brightness=0.0)
    corners = {
        (int(ir[0, 0, 0]), int(vis[0, 0, 0]))
        for batch in some
        for ir, vis in zip(batch["ir"], batch["vis"], strict=True)
    }
    assert len(corners) > 20


def test_the_seed_decides_and_neighbouring_seeds_share_no_epoch():
    orders = []
    for seed in (5, 5, 6, 7):
        orders.append([tuple(epoch) for epoch in indices_of(batches(Memory(), 15, seed=seed)[1]).reshape(6, 10)])
    assert orders[0] == orders[1]
    assert len({*orders[0], *orders[2], *orders[3]}) == 18


@pytest.mark.parametrize("num_threads", [0, 3])
def test_a_restored_position_continues_bit_for_bit(num_threads):
    iterator, _ = batches(Memory(), 7, num_threads=num_threads)
    state = json.loads(json.dumps(iterator.get_state()))
    expected = [next(iterator) for _ in range(9)]
    fresh, _ = batches(Memory(), 2, num_threads=3 - num_threads)
    fresh.set_state(state)
    assert_same([next(fresh) for _ in range(9)], expected)
    assert_same(batches(Memory(), 16, num_threads=num_threads)[1][7:], expected)


def test_options_do_not_disturb_each_other():
    plain = batches(Memory(), 4, flip=False, brightness=0.0)[1]
    bright = batches(Memory(), 4, flip=False, brightness=0.5)[1]
    for a, b in zip(plain, bright, strict=True):
        np.testing.assert_array_equal(a["labels"], b["labels"])
        np.testing.assert_array_equal(a["boxes"], b["boxes"])
        assert (a["ir"] != b["ir"]).any()


def test_about_half_are_flipped_and_each_image_has_its_own_brightness():
    _, some = batches(Memory(), 50, brightness=0.0)
    mirrored = np.concatenate([batch["vis"][:, 0, 0, 0] > batch["vis"][:, 0, 1, 0] for batch in some])
    assert 0.4 < mirrored.mean() < 0.6
    _, some = batches(Memory(((48, 60),) * 10, deep=range(10)), 50, flip=False, brightness=0.2)
    _, same = batches(Memory(((48, 60),) * 10, deep=range(10)), 50, flip=False, brightness=0.0)
    factors = np.array([
        [b[key][i].sum(dtype=float) / a[key][i].sum(dtype=float) for key in ("ir", "vis")]
        for a, b in zip(same, some, strict=True) for i in range(4)
    ])  # fmt: skip
    assert factors.min() > 0.799 and factors.max() < 1.201 and factors.std() > 0.1
    assert abs(np.corrcoef(factors.T)[0, 1]) < 0.2


def test_depths_that_meet_in_a_batch_become_16_bit():
    _, (batch,) = batches(Memory(deep=(1, 4)), 1, batch_size=10, brightness=0.0)
    assert batch["ir"].dtype == batch["vis"].dtype == np.uint16
    np.testing.assert_array_equal(batch["ir"][..., 0], batch["vis"][..., 1])
    assert (batch["ir"] % 257 == 0).all() and batch["ir"].max() > 32 * 257


@pytest.mark.parametrize("num_threads", [0, 2])
def test_an_image_smaller_than_the_crop_is_named(num_threads):
    source = Memory(((48, 60), (48, 39), (48, 60)))
    with pytest.raises(InputError, match=r"item1 is 39 x 48 pixels, expected at least the crop of 40 x 32"):
        batches(source, 3, num_threads=num_threads)


def test_no_items_are_refused():
    with pytest.raises(InputError, match="the list of training items is empty"):
        batches(Memory(), 1, indices=[])


@pytest.mark.parametrize(("most", "multiple", "slots"), [(2, 32, 32), (2, 2, 2), (3, 2, 4), (33, 32, 64), (0, 1, 1)])
def test_room_for_boxes_is_that_of_the_fullest_item(most, multiple, slots):
    source = Memory()
    source.records[4] |= {"boxes": np.tile(np.float32([1, 1, 9, 9]), (most, 1)), "classes": np.zeros(most, np.int32)}
    source.records = source.records[4:5]
    _, (batch,) = batches(source, 1, max_boxes=multiple)
    assert batch["boxes"].shape == (4, slots, 4) and batch["classes"].shape == (4, slots)


def test_evaluation_has_every_item_once_whole_and_in_order():
    source = Memory(((48, 60), (33, 64), (50, 60), (48, 60), (20, 20)))
    some = list(evaluation_batches(source, [4, 0, 1, 2, 3], batch_size=2))
    assert [batch["ir"].shape[1:3] for batch in some] == [(64, 64), (64, 64), (64, 64)]
    assert [batch["index"].tolist() for batch in some] == [[4, 0], [1, 2], [3, -1]]
    assert some[2]["has_boxes"].tolist() == some[2]["has_labels"].tolist() == [True, False]
    for batch in some:
        for item, index in enumerate(batch["index"]):
            if index < 0:
                continue
            record = source[index]
            height, width = batch["size"][item]
            assert (height, width) == record["ir"].shape[:2]
            for key in ("ir", "vis", "saliency", "labels"):
                np.testing.assert_array_equal(batch[key][item, :height, :width], record[key])
            assert (batch["labels"][item, height:] == 255).all() and (batch["labels"][item, :, width:] == 255).all()
            np.testing.assert_array_equal(batch["ir"][item, height:], batch["ir"][item, height - 1 : height].repeat(
                batch["ir"].shape[1] - height, axis=0))  # fmt: skip
            np.testing.assert_array_equal(batch["boxes"][item, :2], record["boxes"])


def test_evaluation_drops_no_box():
    source = Memory(((48, 60),))
    source.records[0] |= {"boxes": np.ones((70, 4), np.float32), "classes": np.zeros(70, np.int32)}
    (batch,) = evaluation_batches(source, [0], 1)
    assert batch["boxes"].shape == (1, 96, 4) and (batch["classes"] >= 0).sum() == 70
