"""Contrast that labelled objects lack, against values worked by hand and against the measure."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.losses.fusion import missing_object_contrast
from bilevel_jax.metrics.appearance import MEASURES, fused_pair

SIZE = (64, 80)
BOX = (16.0, 20.0, 36.0, 32.0)
LEVEL = 1 / 255
loss = jax.jit(missing_object_contrast)


def _object(level, ground=100, box=BOX):
    """An object of one grey level on a ground of another."""
    y0, x0, y1, x1 = (int(corner) for corner in box)
    image = np.full((1, *SIZE, 1), ground * LEVEL, np.float32)
    image[:, y0:y1, x0:x1] = level * LEVEL
    return image


def _labels(*boxes, slots=2, annotated=True):
    """Boxes, classes and has_boxes of one image, filled up with padding."""
    padded, classes = np.zeros((1, slots, 4), np.float32), np.full((1, slots), -1, np.int32)
    padded[0, : len(boxes)] = np.float32(boxes).reshape(-1, 4)
    classes[0, : len(boxes)] = range(len(boxes))
    return padded, classes, np.array([annotated])


@pytest.mark.parametrize(
    ("infrared", "visible", "fused", "expected"),
    [
        (120, 105, 120, 0.0),  # as the stronger source
        (120, 105, 150, 0.0),  # more is not punished
        (120, 105, 110, 0.5),  # 10 of its 20 levels
        (105, 120, 110, 0.5),  # whichever source it is
        (120, 105, 100, 1.0),  # gone
        (120, 105, 90, 1.5),  # dark instead of bright
        (120, 105, 30, 2.25),  # 90 levels too dark: 4.5, of which 2.5 count a tenth
        (95, 60, 80, 0.5),  # a dark car: 20 of 40 levels below its surroundings
        (95, 60, 120, 1.5),
        (120, 75, 80, 0.2),  # the sources disagree: the stronger one, 25 levels darker, is asked for
        (220, 100, 120, 0.5),  # 40 levels are enough
        (101.5, 100, 100.5, 0.75),  # weak contrasts count as at least 2 levels
    ],
)
def test_what_a_box_lacks_of_the_stronger_sources_contrast(infrared, visible, fused, expected):
    total, count = loss(_object(fused), _object(infrared), _object(visible), *_labels(BOX))
    assert float(count) == 1.25 and float(total) == pytest.approx(expected, abs=1e-4)


def test_brighter_boxes_and_darker_rings_lessen_the_loss():
    slope = jax.grad(lambda fused: missing_object_contrast(fused, _object(120), _object(105), *_labels(BOX))[0])
    slope = np.array(slope(_object(110)))[0, ..., 0]
    # The box holds 20 x 12 pixels, and the ring 30 x 18 less these; the contrast counts over 20 levels.
    np.testing.assert_allclose(slope[16:36, 20:32], -255 / 20 / 240, rtol=1e-4)
    np.testing.assert_allclose(slope[11:16, 17:35], 255 / 20 / 300, rtol=1e-4)
    slope[11:41, 17:35] = 0
    assert not slope.any()


def test_a_ring_holds_no_other_box_and_stays_in_the_image():
    neighbour = (16.0, 32.0, 36.0, 44.0)
    fused = _object(110)
    fused[:, 16:36, 32:44] = 1.0
    sources = _object(120), _object(100)
    total, count = loss(fused, *sources, *_labels(BOX, neighbour))
    # The neighbour shows nothing in either source, so that only the first box counts.
    assert float(count) == 1.25 and float(total) == pytest.approx(0.5, abs=1e-4)
    assert float(loss(fused, *sources, *_labels(BOX))[0]) > 1
    corner = (-7.0, 70.0, 9.0, 99.0)
    shown = [_object(level, box=(0, 70, 9, 80)) for level in (105, 120, 100)]
    total, count = loss(*shown, *_labels(corner))
    assert float(count) == 1.25 and float(total) == pytest.approx(0.75, abs=1e-4)


def test_boxes_that_do_not_count():
    fused, infrared, visible = _object(90), _object(120), _object(105)
    for boxes in (
        [],
        [(20.0, 20.0, 20.3, 40.0)],
        [(36.0, 32.0, 16.0, 20.0)],
        [(70.0, 90.0, 80.0, 99.0)],
        [(0, 0, *SIZE)],
    ):
        total, count = loss(fused, infrared, visible, *_labels(*boxes))
        assert float(total) == 0 and float(count) == 0.25, boxes
    # No source shows more than half a level.
    assert [float(v) for v in loss(fused, _object(100.5), _object(99.6), *_labels(BOX))] == [0.0, 0.25]
    # An image without annotations, and no slot for a box at all.
    assert [float(v) for v in loss(fused, infrared, visible, *_labels(BOX, annotated=False))] == [0.0, 0.0]
    total, count = loss(fused, infrared, visible, *_labels(slots=0))
    assert float(total) == 0 and float(count) == 0.25


def test_padding_and_the_way_a_batch_is_split_change_nothing():
    rng = np.random.default_rng(0)
    images = rng.random((3, 4, *SIZE, 1), np.float32)
    corners = rng.uniform(0, 48, (4, 6, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(3, 30, (4, 6, 2))], axis=-1).astype(np.float32)
    classes = rng.integers(-1, 3, (4, 6)).astype(np.int32)
    given = boxes, classes, np.array([True, True, False, True])
    whole = np.array(loss(*images, *given))
    assert whole[0] > 1 and whole[1] > 5
    parts = [loss(*images[:, rows], *(label[rows] for label in given)) for rows in (slice(1), slice(1, 4))]
    np.testing.assert_allclose(np.sum(parts, axis=0), whole, rtol=1e-5)
    wider = (
        np.pad(boxes, ((0, 0), (1, 3), (0, 0)), constant_values=9.0),
        np.pad(classes, ((0, 0), (1, 3)), constant_values=-1),
    )
    np.testing.assert_allclose(loss(*images, *wider, given[2]), whole, rtol=1e-6)


def test_contrasts_are_those_of_the_measure():
    rng = np.random.default_rng(1)
    infrared, visible, fused = rng.integers(0, 256, (3, 48, 56)).astype(np.uint8)
    fused = (fused // 8 + 100).astype(np.uint8)
    alone = []
    for corners in rng.uniform(0, 36, (12, 2)):
        box = np.float32([*corners, *(corners + rng.uniform(2, 20, 2))])
        measured = MEASURES["target"].function(fused_pair(infrared, visible, fused, boxes=box[None]))
        scaled = [jnp.float32(image)[None, ..., None] / 255 for image in (fused, infrared, visible)]
        total, count = missing_object_contrast(*scaled, *_labels(box))
        alone.append((measured, float(total), float(count)))
    counted = [(measured.item(), total) for measured, total, count in alone if count == 1.25]
    assert len(counted) > 8 and all(measured.size == (count == 1.25) for measured, _, count in alone)
    # The measure does not see the sign, so that the loss has one of two values.
    for measured, total in counted:
        assert min(abs(total - max(1 - measured, 0)), abs(total - min(1 + measured, 2))) < 1e-3, measured
