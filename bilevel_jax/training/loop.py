"""The training run: data, state, resume, steps, and what is written on the way."""

from pathlib import Path

import jax
import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.atomic import write_json
from bilevel_jax.checkpoints import Run, has_checkpoint
from bilevel_jax.checkpoints.parameters import save_parameters
from bilevel_jax.data.configured_batches import configured_batches
from bilevel_jax.data.resumable import ResumableBatches
from bilevel_jax.data.sets import Sets
from bilevel_jax.errors import RunError
from bilevel_jax.report.curve_plot import plot_curves
from bilevel_jax.report.metrics_writer import MetricsWriter
from bilevel_jax.training.config import former_config, semantic_tasks
from bilevel_jax.training.devices import check_batch_size, device_mesh, place_state
from bilevel_jax.training.initial_weights import rows_start, start_from
from bilevel_jax.training.jitted_steps import make_steps
from bilevel_jax.training.learned_loss import learns_loss
from bilevel_jax.training.learned_loss.state import with_learned_loss
from bilevel_jax.training.log import Log
from bilevel_jax.training.loop_step import Training, Validate, step_and_write
from bilevel_jax.training.networks import networks_from_config
from bilevel_jax.training.restart import Restarts, keep_starts
from bilevel_jax.training.signals import StopRequest
from bilevel_jax.training.state import Optimizers, TrainState, initial_state
from bilevel_jax.training.validation_sheet import sheet_sample


def train(
    config: ConfigDict, sets: Sets, workdir: Path, stop: StopRequest, validate: Validate | None = None
) -> TrainState:
    """Warm start, then bilevel training, continued from the last checkpoint in `workdir`.

    Leaves config.json, classes.json, checkpoints/, metrics.jsonl, tensorboard/, sheets/STEP.png and curves.png.

    Args:
        config: a checked configuration.
        sets: the data, from `open_sets`.
        workdir: the run's folder.
        stop: looked at after every step.
        validate: (fusion parameters, semantic task -> parameters) -> figures, higher = better; called every
            `config.validate_every` steps, in the first process.

    Returns:
        The state after the last step.

    Raises:
        InputError: `workdir` cannot be written, is in use, or holds another model's run; the batch does not fit the
            devices; the weighting does not accept its options.
        RunError: a loss is NaN or infinite (the message has the step, the loss and the files of the batch), or the
            device has too little memory, or a data file can no longer be read (what was reached is saved).
        StopSignal: stopped by a signal, after saving.
    """
    # 1. What does not change: devices, networks, optimizers.
    mesh, first = device_mesh(config.fsdp), jax.process_index() == 0
    check_batch_size(mesh, "config.data.batch_size", config.data.batch_size, config.accumulate)
    networks = networks_from_config(config, sets.train.class_names, sets.train.label_names)
    optimizers = Optimizers(config)
    # 2. The state and the data from their beginning, and what changes the state.
    begins = not has_checkpoint(workdir)
    fresh, taken_over = initial_state(config, networks, optimizers, imported=begins), None
    if config.initial.run and begins:
        fixed = [task for task, block in semantic_tasks(config).items() if not (block.trainable or block.start)]
        fresh, taken_over = start_from(config.initial.run, config.initial.parts, fresh, fixed)
    if learns_loss(config):
        fresh = with_learned_loss(config, fresh)
    steps = make_steps(config, networks, optimizers, mesh, fresh)
    state = place_state(mesh, fresh)
    batches = {"inner": _batches(config, sets, "inner"), "outer": _batches(config, sets, "outer")}
    # 3. Or from the last checkpoint: state, then data position, then metrics up to that step.
    run = Run(workdir, config, keep=config.keep_checkpoints, defaults=former_config())
    if first:
        write_json(run.workdir / "classes.json", {"boxes": sets.train.class_names, "labels": sets.train.label_names})
        if taken_over is not None:
            print(taken_over, flush=True)
            _keep_rows_start(config, run.workdir, fresh)
    if begins:
        keep_starts(config, run.workdir, fresh)
    restarts = Restarts(config, optimizers, mesh, run.workdir)
    del fresh
    total = config.warm_start.steps + config.steps
    start, state = _resumed(run, state, batches, total, first)
    writer = MetricsWriter(run.workdir) if first else None
    if writer is not None:
        writer.truncate_after(start)
    # 4. The steps that are left.
    sample = sheet_sample(sets.validation)
    log = Log(config, sets, writer, start, total)
    training = Training(config, sets, run, steps, batches, stop, validate, log, sample, total, first, restarts)
    try:
        for step in range(start + 1, total + 1):
            state = step_and_write(training, state, step, begun=step > start + 1)
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise RunError(
            "the device's memory is not enough for a step: try --config.accumulate=2, --config.remat=True, "
            f"--config.dtype=bfloat16 or a smaller --config.data.crop than {tuple(config.data.crop)}."
        ) from error
    finally:
        for iterator in batches.values():
            iterator.close()
        log.close()
        run.close()
    if first and run.best is not None:
        print(f"best {config.keep_best}: {run.best[1]:.4g} at step {run.best[0]}", flush=True)
    if first and start < total:
        plot_curves(run.workdir / "metrics.jsonl", run.workdir / "curves.png")
    return state


def _resumed(
    run: Run, state: TrainState, batches: dict[str, ResumableBatches], total: int, first: bool
) -> tuple[int, TrainState]:
    """Returns the step and the state of the last checkpoint, and moves the batches to its data position.

    Without a checkpoint it returns 0 and `state` itself. Collective: every process must call it.
    """
    restored = run.restore(state)
    if restored is None:
        return 0, state
    start, state, position = restored
    for name, iterator in batches.items():
        iterator.set_state(position[name])
    if first:
        print(f"resumed from step {start} of {total}", flush=True)
    return start, state


def _keep_rows_start(config: ConfigDict, workdir: Path, state: TrainState) -> None:
    """Keeps the semantic parameters that the table's rows start from: the other run may be gone by then."""
    for task, block in semantic_tasks(config).items():
        if task in config.initial.parts and block.trainable:
            save_parameters(workdir, rows_start(task), state.inner_params[task])


def _batches(config: ConfigDict, sets: Sets, part: str) -> ResumableBatches:
    """Returns this process's part of the global batches of the inner or the outer problem.

    A run of a single level trains on the pairs of both parts.
    """
    everything = config.bilevel.single_level and part == "inner"
    return configured_batches(
        config.data,
        sets.train,
        np.union1d(sets.inner, sets.outer) if everything else getattr(sets, part),
        batch_size=config.data.batch_size // jax.process_count(),
        seed=2 * config.seed + (part == "outer"),
        shard_index=jax.process_index(),
        shard_count=jax.process_count(),
    )
