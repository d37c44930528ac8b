"""No image is looked at twice, and what a stopped judge found is kept."""

import struct

import numpy as np
import pytest

from bilevel_jax.errors import StopSignal
from bilevel_jax.evaluation.judges.found import look_at


class CountingJudge:
    def __init__(self):
        self.seen = 0

    def look(self, image):
        self.seen += 1
        return np.full((self.seen, 6), image.mean(), np.float32)


IMAGES = [np.full((4, 4, 3), level, np.uint8) for level in (1, 2, 3)]


def test_what_was_found_is_kept_by_content(tmp_path):
    judge, path = CountingJudge(), tmp_path / "set" / "row.npz"
    first = look_at(judge, IMAGES, path)
    assert judge.seen == 3
    again = look_at(judge, [IMAGES[2], IMAGES[0], np.full((4, 4, 3), 4, np.uint8)], path)
    assert judge.seen == 4
    np.testing.assert_array_equal(again[0], first[2])
    np.testing.assert_array_equal(again[1], first[0])
    # The same bytes in another shape are another image.
    look_at(judge, [IMAGES[0].reshape(2, 8, 3)], path)
    assert judge.seen == 5


def test_a_stop_keeps_what_was_found(tmp_path):
    judge, path = CountingJudge(), tmp_path / "row.npz"

    def stop():
        if judge.seen == 2:
            raise StopSignal("here")

    with pytest.raises(StopSignal):
        look_at(judge, IMAGES, path, stop)
    assert judge.seen == 2 and [len(found) for found in look_at(judge, IMAGES, path)] == [1, 2, 3]
    assert judge.seen == 3


def damaged(content: bytes) -> bytes:
    """An archive whose first array begins with a deflate block of a kind that does not exist."""
    start = 30 + sum(struct.unpack("<HH", content[26:30]))  # after the header, the name and the extra field
    return content[:start] + b"\xff" + content[start + 1 :]


@pytest.mark.parametrize("damage", [lambda content: b"no archive", lambda content: b"", damaged])
def test_a_damaged_file_counts_as_none(tmp_path, damage):
    path = tmp_path / "row.npz"
    look_at(CountingJudge(), IMAGES, path)
    path.write_bytes(damage(path.read_bytes()))
    judge = CountingJudge()
    assert len(look_at(judge, IMAGES, path)) == 3 and judge.seen == 3
    look_at(judge, IMAGES, path)
    assert judge.seen == 3
