"""A fresh semantic network on one kind of input: trained, applied, and scored."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from ml_collections import ConfigDict
from tqdm import tqdm

from bilevel_jax.bilevel import reduce_loss
from bilevel_jax.compilation import compiler_options
from bilevel_jax.data.configured_batches import configured_batches
from bilevel_jax.data.pipeline import evaluation_batches
from bilevel_jax.errors import RunError
from bilevel_jax.metrics import detection, segmentation
from bilevel_jax.training.optimizers import optimizer
from bilevel_jax.training.problem import Networks, prepare, semantic_loss
from bilevel_jax.training.semantic_network import BackboneStart
from bilevel_jax.training.state import initial_semantic_params
from bilevel_jax.training.step import read_predictions

Prediction = dict[str, np.ndarray]  # "labels" [H, W], or "boxes" [N, 4], "scores" [N], "classes" [N]


class SemanticTrainer:
    """Trains semantic networks from one common initialisation, on the same batches; compiled once for all inputs.

    Args:
        config: the run's configuration; `rows` has the steps and the optimizer.
        networks: of which the semantic one is trained.
    """

    def __init__(self, config: ConfigDict, networks: Networks):
        self._config, self._networks = config, networks
        self._optimizer = optimizer(config.rows)
        self._imported = BackboneStart(config.semantic)
        terms = semantic_loss(config.semantic, networks.semantic)

        def step(params: Any, state: Any, batch: dict[str, jax.Array]) -> tuple[Any, Any, jax.Array]:
            batch = prepare(batch, jax.random.PRNGKey(0))
            loss = lambda p: reduce_loss(terms(p, batch["vis"], batch))[0]
            value, gradient = jax.value_and_grad(loss)(params)
            updates, state = self._optimizer.update(gradient, state, params)
            return optax.apply_updates(params, updates), state, value

        def predict(params: Any, images: jax.Array) -> Any:
            images = images.astype(np.float32) / np.iinfo(images.dtype).max
            return read_predictions(config, networks.semantic.apply(params, images))

        self._step = jax.jit(step, donate_argnums=(0, 1), compiler_options=compiler_options())
        self._predict = jax.jit(predict, compiler_options=compiler_options())

    def train(
        self,
        source: Any,
        title: str,
        check_stop: Callable[[], None] = lambda: None,
        seed: int | None = None,
        initial: Any | None = None,
    ) -> Any:
        """Trains on all records of a source and returns the parameters.

        Args:
            source: a source whose `vis` is what the network sees.
            title: of the progress bar.
            check_stop: called after every step; may raise.
            seed: of the initialisation and of the crops; the configuration's where None.
            initial: parameters to start from; None draws them from the seed, and imports `semantic.backbone`.

        Raises:
            InputError: `semantic.backbone` cannot be read, or is another network's.
            RunError: the loss became NaN or infinite.
        """
        config, data = self._config.rows, self._config.data
        seed = self._config.seed if seed is None else seed
        if initial is None:
            fresh = initial_semantic_params(self._config, self._networks, jax.random.PRNGKey(seed))
            params = self._imported(fresh)
        else:
            params = jax.tree.map(jnp.array, initial)  # a step takes its parameters away
        state = self._optimizer.init(params)
        batches = configured_batches(
            data, source, np.arange(len(source)), batch_size=config.batch_size, seed=seed, cameras=False
        )
        used = ("ir", "vis", "saliency", "labels", "boxes", "classes", "has_labels", "has_boxes")
        with tqdm(total=config.steps, desc=title, unit="step", leave=False, dynamic_ncols=True) as bar:
            for step in range(1, config.steps + 1):
                batch = next(batches)
                params, state, loss = self._step(params, state, {name: batch[name] for name in used})
                bar.update()
                if step % 20 == 0 or step == config.steps:
                    value = float(loss)
                    bar.set_postfix(loss=f"{value:.3g}")
                    if not np.isfinite(value):
                        names = ", ".join(source.names[i] for i in batch["index"])
                        raise RunError(f"{title}: the loss is {value} at step {step}, on the batch {names}.")
                check_stop()
        return params

    def predict(self, params: Any, source: Any, batch_size: int = 8) -> list[Prediction]:
        """The predictions for every record, in order and in the pixels of the unpadded image."""
        predictions: list[Prediction] = []
        for batch in evaluation_batches(source, np.arange(len(source)), min(batch_size, len(source))):
            outputs = jax.device_get(self._predict(params, batch["vis"]))
            for i, index in enumerate(batch["index"]):
                if index >= 0:
                    predictions.append(_one(outputs, i, *batch["size"][i]))
        return predictions


def _one(outputs: Any, i: int, height: int, width: int) -> Prediction:
    if not isinstance(outputs, dict):
        return {"labels": outputs[i, :height, :width]}
    boxes = np.clip(outputs["boxes"][i], 0, [height, width, height, width])
    kept = (outputs["classes"][i] >= 0) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    return {"boxes": boxes[kept], "scores": outputs["scores"][i][kept], "classes": outputs["classes"][i][kept]}


def semantic_scores(config: ConfigDict, source: Any, predictions: list[Prediction]) -> dict[str, float]:
    """AP50 and AP50 per class, or mIoU over the classes that occur and IoU per class, in [0, 1]; {} without labels."""
    if config.semantic.task == "detection":
        records = [source[i] for i in range(len(source))]
        labelled = [i for i, record in enumerate(records) if record["has_boxes"]]
        if not labelled:
            return {}
        truth = [{"boxes": records[i]["boxes"], "classes": records[i]["classes"]} for i in labelled]
        sizes = [records[i]["ir"].shape[:2] for i in labelled]
        return detection.coco_ap(truth, [predictions[i] for i in labelled], source.class_names, sizes)
    confusion = np.zeros((len(source.label_names),) * 2, np.int64)
    for i, prediction in enumerate(predictions):
        record = source[i]
        if record["has_labels"]:
            confusion += segmentation.confusion_matrix(prediction["labels"], record["labels"], len(source.label_names))
    return segmentation.scores(confusion, source.label_names) if confusion.sum() else {}
