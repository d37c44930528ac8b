"""One pass of the training loop: a step, then what is due after it (validation, picture sheet, checkpoint)."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.checkpoints import Run
from bilevel_jax.data.batch import Batch, WholeImageBatch
from bilevel_jax.data.resumable import ResumableBatches
from bilevel_jax.data.sets import Sets
from bilevel_jax.errors import InputError, RunError, StopSignal
from bilevel_jax.report import metric_names
from bilevel_jax.training.config import semantic_tasks
from bilevel_jax.training.devices import of_first_process, whole
from bilevel_jax.training.jitted_steps import Steps
from bilevel_jax.training.learned_loss import learns_loss
from bilevel_jax.training.log import Log, Logged
from bilevel_jax.training.restart import Restarts
from bilevel_jax.training.signals import StopRequest
from bilevel_jax.training.state import TrainState
from bilevel_jax.training.stop_on_nan import Metrics
from bilevel_jax.training.tasks import SEMANTIC_TASKS, box_names
from bilevel_jax.training.validation_sheet import write_sheet

Validate = Callable[[PyTree, Mapping[str, PyTree]], dict[str, float]]
Files = dict[str, np.ndarray]  # indices of the files in the batches of a step, by the name of the batch


class Training(NamedTuple):
    """What a run has while it steps.

    Attributes:
        config: a checked configuration.
        sets: the data.
        run: the run's folder.
        steps: the jitted steps.
        batches: "inner" and "outer" -> the endless batches of this process.
        stop: whether the process was told to stop.
        validate: measures parameters; None where the run does not validate.
        log: takes the metrics of each step.
        sample: the pairs that the picture sheets show.
        total: the run's last step.
        first: whether this is the first process, which alone writes metrics and pictures.
        restarts: puts networks back to their start where that is due.
    """

    config: ConfigDict
    sets: Sets
    run: Run
    steps: Steps
    batches: dict[str, ResumableBatches]
    stop: StopRequest
    validate: Validate | None
    log: Log
    sample: WholeImageBatch
    total: int
    first: bool
    restarts: Restarts


def step_and_write(training: Training, state: TrainState, step: int, *, begun: bool) -> TrainState:
    """Takes one step, then validates, draws and saves where that is due, and returns the state.

    Collective: every process must call it.

    Args:
        begun: whether this process has taken a step before, which is what a file that cannot be read is saved after.

    Raises:
        StopSignal: the run was told to stop, and the step is saved.
    """
    config, run, log, total = training.config, training.run, training.log, training.total
    state = training.restarts(state, step)
    state, metrics, files = _read_and_step(training, state, step, begun=begun)
    figures = _validation_figures(training, state, step, metrics, files)
    log.add(step, metrics | {metric_names.validation(name): value for name, value in figures.items()}, files)
    stopping = training.stop.asked_of_any(step)
    if config.sheet_every and (step % config.sheet_every == 0 or step == total):
        _write_sheet(training, state, step)
    due = step % config.checkpoint_every == 0 or step == total
    if due or stopping or run.would_be_best(figures):
        log.flush()  # a NaN ends the run here, before it reaches a checkpoint
        run.save(step, state, _positions(training.batches), wait=stopping or step == total, figures=figures)
    if stopping and step < total:
        raise StopSignal(f"saved step {step} of {total} in {run.workdir}; the same command resumes it.")
    return state


def _read_and_step(
    training: Training, state: TrainState, step: int, *, begun: bool
) -> tuple[TrainState, Logged, Files]:
    """Takes one step; where a file is gone since the run began, saves what was reached before.

    Raises:
        InputError: a file cannot be read, and this process has taken no step yet.
        RunError: a file cannot be read any more.
    """
    batches = training.batches
    waited = sum(iterator.seconds_waited for iterator in batches.values())
    before = _positions(batches)
    try:
        state, metrics, files = _take_step(training.config, training.steps, state, batches, step)
    except InputError as error:
        if not begun:
            raise
        training.log.flush()  # what was reached before this step stays
        raise _saved_before(training, step - 1, state, before, error) from error
    waited = sum(iterator.seconds_waited for iterator in batches.values()) - waited
    return state, metrics | {metric_names.WAIT_SECONDS: waited}, files


def _validation_figures(
    training: Training, state: TrainState, step: int, metrics: Logged, files: Files
) -> dict[str, float]:
    """Returns the figures of the val pairs, {} where no validation is due. Collective: every process must call it.

    Raises:
        RunError: a file of val cannot be read any more; the step is saved.
    """
    every = training.config.validate_every
    if training.validate is None or not every or (step % every and step != training.total):
        return {}
    semantic = {name: state.inner_params[name] for name in semantic_tasks(training.config)}
    params = whole((state.outer_params, semantic))
    try:
        return of_first_process(training.validate(*params) if training.first else {})
    except InputError as error:
        training.log.add(step, metrics, files)
        training.log.flush()
        raise _saved_before(training, step, state, _positions(training.batches), error) from error


def _write_sheet(training: Training, state: TrainState, step: int) -> None:
    """Writes sheets/STEP.png. Collective: every process must call it."""
    images, predictions = training.steps.predict(state.outer_params, state.inner_params, training.sample)
    if training.first:
        path = training.run.workdir / "sheets" / f"{step:06d}.png"
        kinds = {name: SEMANTIC_TASKS[block.task] for name, block in semantic_tasks(training.config).items()}
        source = training.sets.validation
        names = box_names(semantic_tasks(training.config).values(), source.class_names)
        labels = source.label_names or training.sets.train.label_names  # those of a set that is mixed in
        write_sheet(path, training.sample, images, predictions, source, kinds, names, labels)


def _positions(batches: dict[str, ResumableBatches]) -> dict[str, dict[str, int]]:
    return {name: iterator.get_state() for name, iterator in batches.items()}


def _saved_before(
    training: Training, step: int, state: TrainState, position: dict[str, dict[str, int]], error: InputError
) -> RunError:
    """Saves what was reached before a file could not be read, and returns an error that says so."""
    sentence, total = str(error).rstrip("."), training.total
    if jax.process_count() > 1:  # the other processes are in a step that this one never joins
        return RunError(f"{sentence}; this was after step {step} of {total}, and the last checkpoint is from before.")
    training.run.save(step, state, position, wait=True)
    return RunError(f"{sentence}; step {step} of {total} is saved, and the same command resumes once it can be read.")


def _take_step(
    config: ConfigDict, steps: Steps, state: TrainState, batches: Mapping[str, Iterator[Batch]], step: int
) -> tuple[TrainState, Metrics, Files]:
    """Takes one step of the warm start, or one inner step and, every `outer_every`-th time, an outer step after it.

    With a learned loss, one step is an outer step with the inner steps that belong to it.

    All batches are read first: where a file is gone, the state is still the one before this step.
    """
    bilevel_step = step - config.warm_start.steps
    warm = bilevel_step <= 0
    if learns_loss(config) and not warm:
        return _take_round(config, steps, state, batches)
    outer_due = warm or (not config.bilevel.single_level and bilevel_step % config.bilevel.outer_every == 0)
    inner = None if warm else next(batches["inner"])
    outer = next(batches["outer"]) if outer_due else None
    if inner is None:
        assert outer is not None
        state, metrics = steps.warm_start(state, outer)
        return state, metrics, {metric_names.WARM_START: outer["index"]}
    files = {metric_names.INNER: inner["index"]}
    if config.bilevel.single_level:
        state, metrics = steps.single_level(state, inner)
        return state, metrics, files
    state, metrics = steps.inner(state, inner)
    if outer is not None:
        if config.log_gradients_every and bilevel_step % config.log_gradients_every == 0:
            metrics |= steps.gradients(state, outer, inner)
        state, outer_metrics = steps.outer(state, outer, inner)
        metrics, files = metrics | outer_metrics, files | {metric_names.OUTER: outer["index"]}
    return state, metrics, files


def _take_round(
    config: ConfigDict, steps: Steps, state: TrainState, batches: Mapping[str, Iterator[Batch]]
) -> tuple[TrainState, Metrics, Files]:
    """Takes one step of a learned loss: the semantic networks learn, then the fusion network, then the loss.

    A semantic network that learns takes one step on each of the fusion network's batches, before the network's steps.
    """
    inner = [next(batches["inner"]) for _ in range(config.bilevel.outer_every)]
    outer = next(batches["outer"])
    metrics: Metrics = {}
    if any(block.trainable for block in semantic_tasks(config).values()):
        for batch in inner:
            state, metrics = steps.inner(state, batch)
    state, round_metrics = steps.round(state, outer, *inner)
    files = {
        metric_names.INNER: np.concatenate([batch["index"] for batch in inner]),
        metric_names.OUTER: outer["index"],
    }
    return state, metrics | round_metrics, files
