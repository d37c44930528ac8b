"""Segmentation losses against NumPy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.losses import segmentation

# Jitted for speed: every operation on its own would be compiled on its own.
cross_entropy, dice = jax.jit(segmentation.cross_entropy), jax.jit(segmentation.dice)
lovasz_softmax = jax.jit(segmentation.lovasz_softmax)

LOSSES = [cross_entropy, dice, lovasz_softmax]
IDS = ["cross_entropy", "dice", "lovasz_softmax"]


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(2, 6, 7, 5)).astype(np.float32) * 2
    labels = rng.integers(0, 4, (2, 6, 7))  # class 4 does not occur
    labels[rng.random(labels.shape) < 0.2] = 255
    return logits, labels


def _softmax(logits):
    exponentials = np.exp(logits.astype(np.float64))
    return exponentials / exponentials.sum(-1, keepdims=True)


def test_cross_entropy(case):
    logits, labels = case
    class_weights = np.array([1.0, 2.0, 0.5, 3.0, 1.0])
    keep = labels != 255
    chosen = np.take_along_axis(_softmax(logits)[keep], labels[keep][:, None], -1)[:, 0]
    total, normaliser = cross_entropy(logits, labels)
    assert total == pytest.approx(-np.log(chosen).sum(), rel=1e-5) and normaliser == keep.sum()
    total, normaliser = cross_entropy(logits, labels, class_weights=class_weights)
    weights = class_weights[labels[keep]]
    assert total == pytest.approx(-(weights * np.log(chosen)).sum(), rel=1e-5)
    assert normaliser == pytest.approx(weights.sum())


def test_dice(case):
    logits, labels = case
    keep = labels != 255
    probabilities, truth = _softmax(logits)[keep], np.eye(5)[labels[keep]]
    expected = 1 - 2 * (probabilities * truth).sum(0) / ((probabilities**2).sum(0) + truth.sum(0))
    total, normaliser = dice(logits, labels)
    assert total == pytest.approx(expected[:4].sum(), rel=1e-5) and normaliser == 4


def _lovasz_reference(probabilities, labels):
    """Sums over thresholds: the Lovasz extension is the integral of the Jaccard loss of {error >= threshold}."""
    losses = []
    for label in np.unique(labels):
        truth = labels == label
        errors = np.abs(truth - probabilities[:, label])
        thresholds = np.concatenate([[0.0], np.sort(errors)])
        loss = 0.0
        for low, high in zip(thresholds[:-1], thresholds[1:], strict=True):
            wrong = errors >= high
            loss += (high - low) * wrong.sum() / (truth | wrong).sum()
        losses.append(loss)
    return losses


def test_lovasz_is_the_integral_of_the_jaccard_loss(case):
    logits, labels = case
    keep = labels != 255
    expected = _lovasz_reference(_softmax(logits)[keep], labels[keep])
    total, normaliser = lovasz_softmax(logits, labels)
    assert total == pytest.approx(sum(expected), rel=1e-4) and normaliser == 4


def test_lovasz_of_certain_predictions_is_one_minus_iou():
    labels = np.array([[[0, 0, 1], [1, 1, 1]]])
    predicted = np.array([[[0, 1, 1], [1, 1, 0]]])
    total, _ = lovasz_softmax(60.0 * np.eye(2, dtype=np.float32)[predicted], labels)
    assert total == pytest.approx((1 - 1 / 3) + (1 - 3 / 5), rel=1e-5)


@pytest.mark.parametrize("loss", LOSSES, ids=IDS)
def test_an_image_of_weight_zero_counts_for_nothing(loss, case):
    logits, labels = case
    np.testing.assert_allclose(
        loss(logits, labels, weight=jnp.array([0.0, 1.0])), loss(logits[1:], labels[1:]), rtol=1e-5
    )
    gradient = jax.grad(lambda x: loss(x, labels, weight=jnp.array([0.0, 1.0]))[0])(logits)
    assert np.all(gradient[0] == 0) and np.abs(gradient[1]).max() > 0


@pytest.mark.parametrize("loss", LOSSES, ids=IDS)
def test_nothing_labelled_gives_zeros_and_no_nan(loss, case):
    logits, _ = case
    ignored = np.full((2, 6, 7), 255)
    total, normaliser = loss(logits, ignored)
    gradient = jax.grad(lambda x: loss(x, ignored)[0])(logits)
    assert total == 0 and normaliser == 0 and np.all(np.asarray(gradient) == 0)


@pytest.mark.parametrize("loss", LOSSES, ids=IDS)
def test_gradient_equals_finite_differences(loss, case):
    logits, labels = case
    direction = np.random.default_rng(5).normal(size=logits.shape).astype(np.float32)
    slope = float(jax.grad(lambda step: loss(logits + step * direction, labels)[0])(0.0))
    step = 1e-2
    up, down = loss(logits + step * direction, labels)[0], loss(logits - step * direction, labels)[0]
    assert slope == pytest.approx(float(up - down) / (2 * step), rel=1e-2)
