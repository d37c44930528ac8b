"""Estimates find known transforms, and the trust figure tells the found from the lost."""

import sys

import numpy as np
import pytest

from bilevel_jax.benchmarks.alignment.random_warps import random_transform
from bilevel_jax.errors import InputError
from bilevel_jax.registration import KINDS, Transform, align, corner_distance, rig_alignment
from bilevel_jax.registration.align import Alignment


@pytest.mark.parametrize("kind", KINDS)
def test_a_known_transform_is_found(scene, as_seen_by, kind):
    pytest.importorskip("cv2")
    infrared, visible = scene(seed=3)
    known = random_transform(kind, (240, 320), seed=5)
    found = align(as_seen_by(infrared, known), visible, kind)
    assert found.trusted and found.transform.kind == kind
    start = Transform(kind, np.eye(3), (240, 320), (240, 320))
    assert corner_distance(known, start) > 10
    assert corner_distance(known, found.transform) < (2.5 if kind == "homography" else 1.0)


def test_images_of_two_sizes(scene, as_seen_by):
    pytest.importorskip("cv2")
    infrared, visible = scene((360, 480), 4)
    matrix = np.array([[0.55, 0.02, 4], [-0.02, 0.55, 9], [0, 0, 1.0]])  # 480 x 360 to 240 x 180, and 10 % besides
    known = Transform("similarity", matrix, (360, 480), (180, 240))
    found = align(as_seen_by(infrared, known), visible)
    assert found.transform.infrared_size == (180, 240)
    assert found.trusted and corner_distance(known, found.transform) < 1.5


@pytest.mark.parametrize("seed", range(3))
def test_pairs_with_nothing_in_common_are_not_trusted(scene, seed):
    pytest.importorskip("cv2")
    assert not align(scene(seed=seed)[0], scene(seed=seed + 50)[1]).trusted


def test_flat_images_are_not_trusted():
    pytest.importorskip("cv2")
    found = align(np.full((64, 80), 7, np.uint8), np.zeros((64, 80, 3), np.uint8))
    assert found.trust == 0 and not found.trusted


def test_what_cannot_be_aligned_is_refused(monkeypatch):
    image = np.zeros((64, 80), np.uint8)
    with pytest.raises(InputError, match="--align=similar is not known; .*did you mean similarity"):
        align(image, image, "similar")
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(InputError, match=r"bilevel-jax\[align\]"):
        align(image, image)


def test_small_images_are_refused():
    pytest.importorskip("cv2")
    with pytest.raises(InputError, match="infrared image is 80 x 20 pixels, too small"):
        align(np.zeros((20, 80), np.uint8), np.zeros((64, 80), np.uint8))


def _alignment(matrix, trusted=True, size=(240, 320)):
    return Alignment(Transform("similarity", np.array(matrix, float), size, size), 0.9, trusted)


def test_a_rig_has_the_median_of_the_trusted_estimates():
    known = random_transform("similarity", (240, 320), 1).matrix
    near = [known @ np.array([[1, 0, x], [0, 1, -x], [0, 0, 1]]) for x in (-0.5, 0, 0.4)]
    outlier = random_transform("similarity", (240, 320), 2).matrix
    rig = rig_alignment([*map(_alignment, near), _alignment(outlier), _alignment(outlier, False)])
    assert rig.used == 4
    assert corner_distance(_alignment(known).transform, rig.transform) < 1
    a, b = rig.transform.matrix[0, :2], rig.transform.matrix[1, :2]
    np.testing.assert_allclose(a, [b[1], -b[0]], atol=1e-9)  # still a similarity


def test_a_rig_without_trusted_estimates_or_of_two_sizes_is_refused():
    with pytest.raises(InputError, match="None of the 1 pair"):
        rig_alignment([_alignment(np.eye(3), False)])
    with pytest.raises(InputError, match="differ in size"):
        rig_alignment([_alignment(np.eye(3)), _alignment(np.eye(3), size=(200, 320))])
