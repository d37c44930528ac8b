"""The contract of every kind of semantic task: labels, loss, predictions, scores, pictures and files fit together."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import reduce_loss
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.images.files import read_image
from bilevel_jax.models import SEMANTIC_NETWORKS
from bilevel_jax.training.config import default_config
from bilevel_jax.training.networks import networks_from_config
from bilevel_jax.training.prepared_batch import prepare
from bilevel_jax.training.tasks import SEMANTIC_TASKS, task_kind

HEIGHT, WIDTH, SLOTS = 48, 64, 8
TERMS = {
    "detection": {"classification", "box", "centerness"},
    "segmentation": {"cross_entropy", "dice", "lovasz"},
    "yolox": {"objectness", "class", "box"},
}


@pytest.fixture(scope="module")
def source():
    return SceneSource(3, seed=1, height=HEIGHT, width=WIDTH)


@pytest.fixture(params=SEMANTIC_TASKS.values(), ids=SEMANTIC_TASKS)
def task(request):
    return request.param


def batch_predictions(task, samples):
    """What a perfect network finds in a batch, whose images are padded by eight pixels."""
    if task.labels == "labels":
        return np.stack([np.pad(sample["labels"], ((0, 8), (0, 8))) for sample in samples])
    pad = lambda values, fill: np.pad(
        values, ((0, SLOTS - len(values)),) + ((0, 0),) * (values.ndim - 1), constant_values=fill
    )
    return {
        "boxes": np.stack([pad(sample["boxes"], 0) for sample in samples]),
        "scores": np.stack([pad(np.full(len(sample["boxes"]), 0.9, np.float32), 0) for sample in samples]),
        "classes": np.stack([pad(sample["classes"], -1) for sample in samples]),
    }


@pytest.fixture
def found(task, source):
    batch = batch_predictions(task, [source[i] for i in range(3)])
    return [task.of_image(batch, i, HEIGHT, WIDTH) for i in range(3)]


class Unlabelled:
    def __init__(self, source):
        self._source, self.names = source, source.names
        self.class_names, self.label_names = source.class_names, source.label_names

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return self._source[index] | {"has_labels": np.bool_(False), "has_boxes": np.bool_(False)}


def test_the_registry_and_the_networks_have_the_same_names(task):
    config = default_config()
    config.semantic.task = task.name
    assert SEMANTIC_TASKS[task.name] is task and task_kind(config.semantic) is task
    assert set(SEMANTIC_NETWORKS) <= set(SEMANTIC_TASKS)
    config.semantic.task = "none"
    assert task_kind(config.semantic) is None


def test_a_perfect_prediction_has_the_best_score_and_the_evidence_gives_it_again(task, source, found):
    scores = task.scores(source, found)
    assert scores[task.figure] == pytest.approx(1.0)
    names = list(task.class_names(source))
    evidence = task.make_evidence([source[i] for i in range(3)], found, names)
    again = task.resampled_scores(json.loads(json.dumps(evidence)), np.array([[1, 1, 1], [3, 0, 0]]), names)
    for name, values in again.items():
        assert values[0] == pytest.approx(scores[name], nan_ok=True), name
    assert "/" not in next(iter(again)) and len(again) == 1 + len(names)  # the mean first


def test_without_labels_there_are_no_scores(task, source, found):
    assert task.scores(Unlabelled(source), found) == {}
    assert task.is_labelled(source[0]) and not task.is_labelled(Unlabelled(source)[0])


def test_a_prediction_is_drawn_and_written(task, source, found, tmp_path):
    image = source[0]["vis"]
    cell = task.drawn(image, found[0])
    assert cell.image is image and (cell.labels is not None) != (cell.boxes is not None)
    images = [source[i]["vis"] for i in range(3)]
    task.write_files(tmp_path, source, images, found, task.class_names(source))
    if task.labels == "labels":
        written = read_image(tmp_path / "labels" / f"{source.names[0]}.png")
        np.testing.assert_array_equal(written[..., 0], source[0]["labels"])
    else:
        written = json.loads((tmp_path / "detections.json").read_text())
        assert len(written) == sum(len(source[i]["boxes"]) for i in range(3))
        assert json.loads((tmp_path / "images.json").read_text())["images"][0]["file_name"] == source.names[0]


def test_boxes_outside_an_image_are_clipped_or_kept_and_weak_ones_are_not_drawn():
    task = SEMANTIC_TASKS["detection"]
    batch = {
        "boxes": np.array([[[-4, 2, 8, 9], [50, 2, 60, 9], [1, 1, 5, 5], [0, 0, 0, 0]]], np.float32),
        "scores": np.array([[0.9, 0.8, 0.3, 0.0]], np.float32),
        "classes": np.array([[0, 1, 1, -1]], np.int32),
    }
    clipped, whole = task.of_image(batch, 0, 40, 30), task.of_image(batch, 0, 40, 30, clipped=False)
    assert clipped["boxes"].tolist() == [[0, 2, 8, 9], [1, 1, 5, 5]]
    assert whole["boxes"].tolist() == batch["boxes"][0, :3].tolist()
    assert task.drawn(np.zeros((40, 30, 3)), whole).scores.tolist() == pytest.approx([0.9, 0.8])


def test_detection_leaves_out_what_an_image_does_not_label():
    outputs = {
        "boxes": jnp.zeros((2, 5, 4)), "centerness": jnp.zeros((2, 5)),
        "locations": jnp.zeros((5, 2)), "strides": jnp.ones(5), "ranges": jnp.zeros((5, 2)),
    }  # fmt: skip

    class Fixed:
        def apply(self, params, image):
            return outputs | {"logits": params}

    loss = SEMANTIC_TASKS["detection"].loss("semantic", default_config().semantic, Fixed(), ("person", "car"))
    batch = {"boxes": jnp.zeros((2, 1, 4)), "classes": jnp.full((2, 1), -1), "has_boxes": jnp.ones(2, bool)}
    slope = jax.jit(jax.grad(lambda logits, batch: loss(logits, jnp.zeros(()), batch)["classification"][0]))
    before = slope(jnp.zeros((2, 5, 2)), batch)
    known = jnp.array([[True, False], [True, True]])
    after = slope(jnp.zeros((2, 5, 2)), batch | {"known_classes": known})
    assert np.all(before != 0)
    np.testing.assert_array_equal(after, jnp.where(known[:, None], before, 0.0))


@pytest.mark.parametrize("annotated", [False, True], ids=["no_annotation", "nothing_in_the_crop"])
def test_a_batch_without_a_labelled_pixel_or_a_box_has_a_finite_loss(annotated):
    """Without an annotation the loss and its gradient are 0; an empty crop teaches a detector the background."""
    block = default_config().semantic
    with block.unlocked():
        block.dice = block.lovasz = 1.0
    grid = jnp.stack(jnp.meshgrid(jnp.arange(4.0), jnp.arange(4.0), indexing="ij"), -1).reshape(-1, 2)
    places = {"locations": grid, "strides": jnp.ones(16), "ranges": jnp.tile(jnp.array([0.0, jnp.inf]), (16, 1))}

    class Free:
        """A network whose outputs are its parameters."""

        def apply(self, params, image):
            return params if isinstance(params, jax.Array) else params | places

    batch = {
        "labels": jnp.full((2, 4, 4), 255),
        "boxes": jnp.zeros((2, 1, 4)),
        "classes": jnp.full((2, 1), -1),
        **{name: jnp.full(2, annotated) for name in ("has_labels", "has_boxes")},
    }
    logits = jnp.linspace(-1.0, 1.0, 2 * 16 * 2)
    outputs = {
        "segmentation": logits.reshape(2, 4, 4, 2),
        "detection": {
            "logits": logits.reshape(2, 16, 2),
            "boxes": jnp.tile(jnp.concatenate([grid - 1, grid + 1], axis=-1), (2, 1, 1)),
            "centerness": jnp.zeros((2, 16)),
        },
    }
    for name, params in outputs.items():
        terms = SEMANTIC_TASKS[name].loss("semantic", block, Free(), ("person", "car"))
        loss = lambda p, t=terms: reduce_loss(t(p, jnp.zeros(()), batch))[0]
        value, slope = jax.jit(jax.value_and_grad(loss))(params)
        if annotated and name == "detection":
            assert value > 0 and np.all(slope.pop("logits") > 0)
        else:
            assert value == 0
        assert all(np.all(np.asarray(leaf) == 0) for leaf in jax.tree.leaves(slope))


def test_the_loss_and_the_predictions_fit_a_network_s_outputs(task, source, request):
    """The shapes alone: nothing is computed."""
    config = default_config()
    config.semantic.update(task=task.name, depth=10, width=8, channels=8, head_convs=1, dice=1.0, lovasz=1.0)
    if task.takes_onnx:
        config.semantic.start = str(request.getfixturevalue("tiny_yolox"))
    network = networks_from_config(config, source.class_names, source.label_names).semantic["semantic"]

    def both(key, image):
        host = {
            **{name: jnp.zeros((2, HEIGHT, WIDTH, 1), jnp.uint8) for name in ("ir", "saliency")},
            "vis": jnp.zeros((2, HEIGHT, WIDTH, 3), jnp.uint8),
            "labels": jnp.zeros((2, HEIGHT, WIDTH), jnp.int32),
            "boxes": jnp.zeros((2, SLOTS, 4)),
            "classes": jnp.zeros((2, SLOTS), jnp.int32),
            **{name: jnp.ones(2, bool) for name in ("has_labels", "has_boxes")},
        }
        batch = prepare(host, key)
        params, names = network.init(key, image), task.class_names(source)
        terms = task.loss("semantic", config.semantic, network, names)(params, image, batch)
        found = task.predictor(config.semantic, network, names)(params, image)
        return terms, task.labelled(config.semantic, batch), found

    key = jax.random.PRNGKey(0)
    terms, labelled, predictions = jax.eval_shape(both, key, jnp.zeros((2, HEIGHT, WIDTH, 3)))
    assert set(terms) == TERMS[task.name] and labelled.shape == (2,)
    assert all(leaf.shape == () for pair in terms.values() for leaf in pair)
    assert all(leaf.shape[0] == 2 for leaf in jax.tree.leaves(predictions))
