"""The cache of decoded records: the same records, read once, within its limit, and never shared by accident."""

import pickle

import numpy as np
import pytest

from bilevel_jax.data.sources.cached import CachedSource
from bilevel_jax.data.sources.source import Source


class Counting(Source):
    """Records of 40 x 50 pixels that count how often they are read."""

    class_names, label_names, groups = ("person",), ("a", "b"), None

    def __init__(self, num=6):
        self.names = [f"item{i}" for i in range(num)]
        self.reads = [0] * num

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        self.reads[index] += 1
        rng = np.random.default_rng(index)
        labels = rng.integers(0, 2, (40, 50)).astype(np.int32)
        labels[0] = 255
        return {
            "ir": rng.integers(0, 65535, (40, 50, 1), dtype=np.uint16),
            "vis": rng.integers(0, 255, (40, 50, 3), dtype=np.uint8),
            "saliency": rng.integers(0, 255, (40, 50, 1), dtype=np.uint8),
            "labels": np.broadcast_to(np.int32(255), (40, 50)) if index == 1 else labels + 300 * (index == 2),
            "boxes": np.float32([[1, 2, 3, 4]]),
            "classes": np.int32([0]),
            "has_labels": np.bool_(index != 1),
            "has_boxes": np.bool_(True),
            "index": np.int64(index),
        }


def test_records_come_unchanged_and_are_read_once():
    source, plain = Counting(), Counting()
    cached = CachedSource(source, 16)
    for _ in range(3):
        for index in (0, 1, 2, 5, -1):
            record, expected = cached[index], plain[range(6)[index]]
            assert record.keys() == expected.keys()
            for key, value in expected.items():
                assert record[key].dtype == value.dtype, key
                np.testing.assert_array_equal(record[key], value)
    assert source.reads == [1, 1, 1, 0, 0, 1]
    assert cached.names == source.names and cached.class_names == ("person",) and len(cached) == 6
    with pytest.raises(IndexError):
        cached[6]


def test_what_is_kept_cannot_be_written_to_and_one_reader_cannot_change_anothers():
    cached = CachedSource(Counting(), 16)
    first = cached[0]
    with pytest.raises(ValueError, match="read-only"):
        first["vis"][0] = 0
    first["vis"] = None
    assert cached[0]["vis"] is not None


def test_the_limit_holds_and_label_maps_take_a_byte_a_pixel():
    cached = CachedSource(Counting(200), 1)
    for _ in range(2):
        for index in range(200):
            cached[index]
    assert 0.97 * 2**20 < cached.bytes_kept <= 2**20
    reads = np.array(cached.source.reads)
    assert set(reads) == {1, 2}
    kept = np.flatnonzero(reads == 1)
    # ir 2, vis 3, saliency 1, labels 1 bytes a pixel and some for the box; item 1 has no label map, item 2 a wide one.
    assert cached.bytes_kept == pytest.approx((7 * len(kept) + 3 - 1) * 2000, rel=0.01)
    nothing = CachedSource(Counting(), 0)
    nothing[0], nothing[0]
    assert nothing.source.reads[0] == 2 and nothing.bytes_kept == 0


def test_a_copy_for_another_process_starts_empty():
    cached = CachedSource(Counting(200), 16)
    for index in range(200):
        cached[index]
    sent = pickle.dumps(cached)
    assert len(sent) < 10_000
    copy = pickle.loads(sent)
    assert copy.bytes_kept == 0
    np.testing.assert_array_equal(copy[3]["vis"], cached[3]["vis"])
