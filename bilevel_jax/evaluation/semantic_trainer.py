"""A semantic network on one kind of input: trained from a fresh start, and applied."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, UInt
from ml_collections import ConfigDict
from tqdm import tqdm

from bilevel_jax.bilevel import reduce_loss
from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.data.bit_depth import same_depth
from bilevel_jax.data.configured_batches import configured_batches
from bilevel_jax.data.pipeline import evaluation_batches
from bilevel_jax.data.sources.source import Source
from bilevel_jax.errors import InputError
from bilevel_jax.metrics.figure import MAIN_TASK
from bilevel_jax.models.network import Network
from bilevel_jax.training.config import semantic_tasks
from bilevel_jax.training.host_batches import OnHostBatches
from bilevel_jax.training.jitted import Jitted
from bilevel_jax.training.networks import Networks
from bilevel_jax.training.optimizers import optimizer
from bilevel_jax.training.prepared_batch import DeviceBatch, prepare
from bilevel_jax.training.state import initial_task_params
from bilevel_jax.training.stop_on_nan import check_semantic_loss
from bilevel_jax.training.task_start import TaskStart
from bilevel_jax.training.tasks import task_kind
from bilevel_jax.training.tasks.prediction import Prediction

STACKED_CHANNELS = 4  # one infrared, three visible


class SemanticTrainer:
    """Trains semantic networks from one common initialisation, on the same batches; compiled once for all inputs.

    Args:
        config: the run's configuration, with a semantic task; `rows` has the steps, the optimizer, and the share of
            samples that is drawn class by class.
        networks: of which that of the task is trained.
        task: name of a semantic task of the configuration.
        stacked: whether the network sees four channels, the infrared image and then `vis`, in place of `vis` alone.

    Raises:
        InputError: a network takes three channels only, and `stacked` is True.

    Attributes:
        kind: the kind of the task.
        class_names: the classes that its network tells apart.
    """

    def __init__(self, config: ConfigDict, networks: Networks, task: str = MAIN_TASK, stacked: bool = False):
        block, network = semantic_tasks(config)[task], networks.semantic[task]
        kind = task_kind(block)
        assert kind is not None
        self.kind, self.class_names = kind, networks.class_names[task]
        self._config, self._network = config, network
        self._optimizer, self._stacked = optimizer(config.rows), stacked
        if stacked:
            _check_channels(config, network, task)
        self._start = TaskStart(task, block)
        self._drawn: dict[tuple[int, bool], PyTree] = {}  # by (seed, noise); drawing takes seconds
        terms = kind.loss(task, block, network, self.class_names)
        find = kind.predictor(block, network, self.class_names)

        def step(
            params: PyTree, state: optax.OptState, batch: DeviceBatch
        ) -> tuple[PyTree, optax.OptState, Float[Array, ""]]:
            # Crops differ from step to step, and so does what a loss draws (the views of a detector).
            content = jax.lax.bitcast_convert_type(jnp.mean(batch["ir"], dtype=jnp.float32), jnp.uint32)
            prepared = prepare(batch, jax.random.fold_in(jax.random.PRNGKey(0), content))
            image = jnp.concatenate([prepared["ir"], prepared["vis"]], -1) if stacked else prepared["vis"]
            loss = lambda p: reduce_loss(terms(p, image, prepared))[0]
            value, gradient = jax.value_and_grad(loss)(params)
            updates, state = self._optimizer.update(gradient, state, params)
            return optax.apply_updates(params, updates), state, value

        def predict(params: PyTree, images: UInt[Array, "b h w c"]) -> PyTree:
            scaled = images.astype(np.float32) / np.iinfo(images.dtype).max
            return find(params, scaled)

        self._step = OnHostBatches[..., tuple[PyTree, optax.OptState, Array]](step, 2, donate_argnums=(0, 1))
        self._predict: Jitted[..., PyTree] = Jitted(predict)

    def train(
        self,
        source: Source,
        title: str,
        check_stop: Callable[[], None] = lambda: None,
        seed: int | None = None,
        initial: PyTree | None = None,
        noise: bool = False,
    ) -> PyTree:
        """Trains on all pairs of a source and returns the parameters.

        Args:
            source: a source whose `vis` is what the network sees.
            title: what is trained on, for the progress bar and for messages.
            check_stop: called after every step; may raise.
            seed: of the initialisation and of the crops; the configuration's where None.
            initial: parameters to start from; None draws them from the seed, and then takes those of the task's keys
                `backbone` and `start`.
            noise: the network starts as the seed draws it, whatever `initial` and these keys say.

        Raises:
            InputError: the weights of these keys cannot be read, or are another network's.
            RunError: the loss became NaN or infinite.
        """
        config, data = self._config.rows, self._config.data
        seed = self._config.seed if seed is None else seed
        started = (seed, noise)
        if (initial is None or noise) and started not in self._drawn:
            channels = STACKED_CHANNELS if self._stacked else 3
            fresh = initial_task_params(self._config, self._network, jax.random.PRNGKey(seed), channels)
            self._drawn[started] = jax.tree.map(np.asarray, fresh if noise else self._start(fresh))
        # The parameters are copied, because a step takes its own away.
        params = jax.tree.map(jnp.array, self._drawn[started] if initial is None or noise else initial)
        state = self._optimizer.init(params)
        batches = configured_batches(
            data,
            source,
            np.arange(len(source)),
            batch_size=config.batch_size,
            seed=seed,
            cameras=False,
            balance=config.balance,
        )
        with tqdm(total=config.steps, desc=title, unit="step", leave=False, dynamic_ncols=True) as bar:
            for step in range(1, config.steps + 1):
                batch = next(batches)
                params, state, loss = self._step(params, state, batch)
                bar.update()
                if step % 20 == 0 or step == config.steps:
                    value = float(loss)
                    bar.set_postfix(loss=f"{value:.3g}")
                    check_semantic_loss(title, step, value, source.names, batch["index"])
                check_stop()
        return params

    def predict(self, params: PyTree, source: Source, batch_size: int = 8) -> list[Prediction]:
        """Returns the predictions for every pair, in order and in the pixels of the unpadded image.

        Args:
            params: of the semantic network.
            source: a source whose `vis` is what the network sees.
            batch_size: how many images go through the network at once.
        """
        found: list[Prediction] = []
        for batch in evaluation_batches(source, np.arange(len(source)), min(batch_size, len(source))):
            images = batch["vis"]
            if self._stacked:
                images = np.concatenate(same_depth([batch["ir"], images]), axis=-1)
            predictions = jax.device_get(self._predict(params, images))
            for i, index in enumerate(batch["index"]):
                if index >= 0:
                    height, width = batch["size"][i]
                    found.append(self.kind.of_image(predictions, i, height, width))
        return found


def _check_channels(config: ConfigDict, network: Network, task: str) -> None:
    """Raises InputError where a network cannot take infrared and visible images as the channels of one image."""
    image = jax.ShapeDtypeStruct((1, *config.data.crop, STACKED_CHANNELS), np.float32)
    try:
        jax.eval_shape(network.init, jax.random.PRNGKey(0), image)
    except (TypeError, ValueError) as error:  # a mean of three channels cannot be subtracted from four
        raise InputError(
            f"The network of config.{task} takes images of three channels, and `stacked` makes four; expected another "
            "network, or its norm = group."
        ) from error
