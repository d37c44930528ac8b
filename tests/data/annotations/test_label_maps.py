"""Label maps as numbers, as colours, and with palettes of their own."""

import io

import numpy as np
import pytest
from PIL import Image

from bilevel_jax.data.annotations.label_maps import decode_labels, encode_labels
from bilevel_jax.data.builders.fmb import Fmb
from bilevel_jax.data.builders.msrs import PALETTE
from bilevel_jax.errors import InputError

LABELS = np.random.default_rng(0).integers(0, 9, (20, 30)).astype(np.int32)
TABLE = np.array([tuple(bytes.fromhex(color)) for color in PALETTE], np.uint8)


def png(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def with_palette(indices, colors):
    image = Image.fromarray(indices.astype(np.uint8)).convert("P")
    image.putdata(indices.ravel().tolist())
    image.putpalette(np.asarray(colors, np.uint8).ravel().tolist())
    return png(image)


shuffled = np.random.default_rng(1).permutation(9)


@pytest.mark.parametrize(
    "data",
    [
        png(Image.fromarray(LABELS.astype(np.uint8))),
        png(Image.fromarray(np.repeat(LABELS.astype(np.uint8)[..., None], 3, -1))),
        png(Image.fromarray(TABLE[LABELS])),
        with_palette(LABELS, TABLE),
        # The palette in another order: the colour says the class.
        with_palette(np.argsort(shuffled)[LABELS], TABLE[shuffled]),
        # A palette of other colours: the number says it.
        with_palette(LABELS, 255 - TABLE),
    ],
    ids=["grey", "grey as RGB", "colours", "palette", "palette shuffled", "another palette"],
)
def test_all_ways_to_store_a_label_map(data):
    np.testing.assert_array_equal(decode_labels(data, "a.png", 9, PALETTE), LABELS)
    np.testing.assert_array_equal(decode_labels(encode_labels(LABELS), "a.png", 9), LABELS)


def test_what_is_no_class_is_named():
    with pytest.raises(InputError, match=r"holds the value 8 \(\d+ pixels\), expected 0 to 7, or 255"):
        decode_labels(png(Image.fromarray(LABELS.astype(np.uint8))), "a.png", 8)
    rgb = TABLE[LABELS]
    rgb[3, 4] = (1, 2, 3)
    with pytest.raises(InputError, match=r"holds the colour 010203 \(1 pixels\), expected one of 000000, 400080"):
        decode_labels(png(Image.fromarray(rgb)), "a.png", 9, PALETTE)
    with pytest.raises(InputError, match="mode RGB"):
        decode_labels(png(Image.fromarray(rgb)), "a.png", 9)


def test_every_class_has_a_colour_of_its_own():
    for names, palette in ((Fmb.label_names, Fmb.palette), (range(9), PALETTE)):
        assert len(set(palette)) == len(palette) == len(names)
