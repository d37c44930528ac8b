"""Directories of tags: written and read back as they were, and damage costs no more than what it has reached."""

import numpy as np

from bilevel_jax.images.files.tags import EXIF, GPS, INTEROPERABILITY, Directory, Tag, encode_block, read_directory

TAGS = {271: Tag(2, 4, b"DJI\0"), 305: Tag(2, 9, b"firmware\0"), 282: Tag(5, 1, b"\x2c\1\0\0\1\0\0\0")}
WHOLE = Directory(
    "<",
    TAGS,
    {
        EXIF: Directory(
            "<",
            {37500: Tag(7, 5, b"\0\1\2\3\4"), 40962: Tag(3, 1, b"\x80\2")},
            {INTEROPERABILITY: Directory("<", {1: Tag(2, 4, b"R98\0")}, {})},
        ),
        GPS: Directory("<", {1: Tag(2, 2, b"N\0"), 2: Tag(5, 3, bytes(range(24)))}, {}),
    },
)


def test_read_back_as_written_in_both_byte_orders():
    assert read_directory(encode_block(WHOLE)) == WHOLE
    other = WHOLE.in_order(">")
    assert read_directory(encode_block(other)) == other and other.in_order("<") == WHOLE
    assert other.tags[282].data == b"\0\0\1\x2c\0\0\0\1" and other.below[EXIF].number(40962) == 640


def test_a_number_is_one_whole_number():
    assert WHOLE.below[EXIF].number(40962) == 640
    assert WHOLE.number(271) is None and WHOLE.number(1) is None


def test_damage_costs_no_more_than_it_has_reached():
    block = encode_block(WHOLE)
    rng = np.random.default_rng(0)
    for _ in range(500):
        damaged = bytearray(block)
        for place in rng.integers(4, len(block), 3):
            damaged[place] = rng.integers(256)
        found = read_directory(bytes(damaged[: rng.integers(16, len(block) + 1)]))
        if found is not None:
            again = read_directory(encode_block(found))
            assert again == found
    # The last value lies behind the end of the block: the others are read.
    cut = read_directory(block[:-1])
    assert cut is not None and cut.tags == WHOLE.tags and cut.below[EXIF] == WHOLE.below[EXIF]


def test_a_directory_that_points_to_itself_ends():
    block = bytearray(encode_block(Directory("<", {}, {EXIF: Directory("<", {}, {})})))
    block[18:22] = (8).to_bytes(4, "little")
    found = read_directory(bytes(block))
    assert found is not None and not found.tags
