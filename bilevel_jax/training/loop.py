"""The training run: data, state, resume, steps, and what is written on the way."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.atomic import write_json
from bilevel_jax.checkpoints import Run, has_checkpoint
from bilevel_jax.checkpoints.parameters import save_parameters
from bilevel_jax.data.configured_batches import configured_batches
from bilevel_jax.data.pipeline import evaluation_batches
from bilevel_jax.data.resumable import ResumableBatches
from bilevel_jax.data.sets import Sets
from bilevel_jax.errors import InputError, RunError, StopSignal
from bilevel_jax.report.plots import plot_curves
from bilevel_jax.report.writers import MetricsWriter
from bilevel_jax.training.config import former_config
from bilevel_jax.training.devices import check_batch_size, device_mesh, of_first_process, place_state, whole
from bilevel_jax.training.initial_weights import ROWS_START, start_from
from bilevel_jax.training.log import Log
from bilevel_jax.training.problem import networks_from_config
from bilevel_jax.training.sheets import write_sheet
from bilevel_jax.training.signals import StopRequest
from bilevel_jax.training.state import Optimizers, TrainState, initial_state
from bilevel_jax.training.step import make_steps

SHEET_SAMPLES = 4
Validate = Callable[[Any, Any], dict[str, float]]


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
        validate: (fusion parameters, semantic parameters or None) -> figures, higher = better; called every
            `config.validate_every` steps, in the first process.

    Returns:
        The state after the last step.

    Raises:
        InputError: `workdir` cannot be written, is in use, or holds another model's run; the batch does not fit the
            devices.
        RunError: a loss is NaN or infinite (the message has the step, the loss and the files of the batch), or the
            device has too little memory, or a data file can no longer be read (what was reached is saved).
        StopSignal: stopped by a signal, after saving.
    """
    # 1. What does not change: devices, networks, optimizers.
    mesh, first = device_mesh(config.fsdp), jax.process_index() == 0
    check_batch_size(mesh, "config.data.batch_size", config.data.batch_size, config.accumulate)
    networks = networks_from_config(config, sets.train.class_names, sets.train.label_names)
    optimizers = Optimizers(config, num_tasks=1 if networks.semantic is None else 2)
    # 2. The state and the data from their beginning, and what changes the state.
    begins = not has_checkpoint(workdir)
    fresh, taken_over = initial_state(config, networks, optimizers, imported=begins), None
    if config.initial.run and begins:
        fresh, taken_over = start_from(config.initial.run, config.initial.parts, fresh)
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
    del fresh
    restored = run.restore(state)
    start = 0
    if restored is not None:
        start, state, position = restored
        for name, iterator in batches.items():
            iterator.set_state(position[name])
        if first:
            print(f"resumed from step {start} of {config.warm_start.steps + config.steps}", flush=True)
    writer = MetricsWriter(run.workdir) if first else None
    if first:
        writer.truncate_after(start)
    # 4. The steps that are left.
    total = config.warm_start.steps + config.steps
    shown = np.linspace(0, len(sets.validation) - 1, min(SHEET_SAMPLES, len(sets.validation))).astype(int)
    sample = next(iter(evaluation_batches(sets.validation, shown, len(shown))))
    log = Log(config, sets, writer, start, total)
    try:
        for step in range(start + 1, total + 1):
            waited = sum(iterator.seconds_waited for iterator in batches.values())
            before = _positions(batches)
            try:
                state, metrics, files = _take_step(config, steps, state, batches, step)
            except InputError as error:
                if step == start + 1:
                    raise
                log.flush()  # a file that is gone since the run began: what was reached before this step stays
                raise _saved_before(run, step - 1, total, state, before, error) from error
            metrics["time/wait_s"] = sum(iterator.seconds_waited for iterator in batches.values()) - waited
            figures: dict[str, float] = {}
            every = config.validate_every if validate is not None else 0
            if every and (step % every == 0 or step == total):
                params = whole((state.outer_params, state.inner_params.get("semantic")))
                try:
                    figures = of_first_process(validate(*params) if first else {})
                except InputError as error:
                    log.add(step, metrics, files)
                    log.flush()
                    raise _saved_before(run, step, total, state, _positions(batches), error) from error
            log.add(step, metrics | {f"validation/{name}": value for name, value in figures.items()}, files)
            stopping = stop.asked_of_any(step)
            if config.sheet_every and (step % config.sheet_every == 0 or step == total):
                images, predictions = steps.predict(state.outer_params, state.inner_params, sample)
                if first:
                    path = run.workdir / "sheets" / f"{step:06d}.png"
                    write_sheet(path, sample, images, predictions, sets.validation)
            due = step % config.checkpoint_every == 0 or step == total
            if due or stopping or run.would_be_best(figures):
                log.flush()  # a NaN ends the run here, before it reaches a checkpoint
                run.save(step, state, _positions(batches), wait=stopping or step == total, figures=figures)
            if stopping and step < total:
                raise StopSignal(f"saved step {step} of {total} in {run.workdir}; the same command resumes it.")
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


def _positions(batches: dict[str, ResumableBatches]) -> dict[str, dict[str, int]]:
    return {name: iterator.get_state() for name, iterator in batches.items()}


def _saved_before(
    run: Run, step: int, total: int, state: TrainState, position: dict[str, Any], error: InputError
) -> RunError:
    """Saves what was reached before a file could not be read, and says so."""
    sentence = str(error).rstrip(".")
    if jax.process_count() > 1:  # the other processes are in a step that this one never joins
        return RunError(f"{sentence}; this was after step {step} of {total}, and the last checkpoint is from before.")
    run.save(step, state, position, wait=True)
    return RunError(f"{sentence}; step {step} of {total} is saved, and the same command resumes once it can be read.")


def _keep_rows_start(config: ConfigDict, workdir: Path, state: TrainState) -> None:
    """Keeps the semantic parameters that the table's rows start from: the other run may be gone by then."""
    if "semantic" in config.initial.parts and "semantic" in state.inner_params:
        save_parameters(workdir, ROWS_START, state.inner_params["semantic"])


def _batches(config: ConfigDict, sets: Sets, part: str) -> ResumableBatches:
    """This process's part of the global batches of the inner or the outer problem; one level trains on all pairs."""
    everything = config.bilevel.single_level and part == "inner"
    return configured_batches(
        config.data,
        sets.train,
        np.arange(len(sets.train)) if everything else getattr(sets, part),
        batch_size=config.data.batch_size // jax.process_count(),
        seed=2 * config.seed + (part == "outer"),
        shard_index=jax.process_index(),
        shard_count=jax.process_count(),
    )


def _take_step(
    config: ConfigDict, steps: Any, state: TrainState, batches: dict[str, Iterator], step: int
) -> tuple[TrainState, dict[str, jax.Array], dict[str, np.ndarray]]:
    """One step of the warm start, or one inner step and, every `outer_every`-th time, an outer step after it."""
    # All that is read is read first: where a file is gone, the state is still the one before this step.
    bilevel_step = step - config.warm_start.steps
    warm = bilevel_step <= 0
    outer_due = warm or (not config.bilevel.single_level and bilevel_step % config.bilevel.outer_every == 0)
    inner = None if warm else next(batches["inner"])
    outer = next(batches["outer"]) if outer_due else None
    if warm:
        state, metrics = steps.warm_start(state, outer)
        return state, metrics, {"warm_start": outer["index"]}
    files = {"inner": inner["index"]}
    if config.bilevel.single_level:
        state, metrics = steps.single_level(state, inner)
        return state, metrics, files
    state, metrics = steps.inner(state, inner)
    if outer is not None:
        if config.log_gradients_every and bilevel_step % config.log_gradients_every == 0:
            metrics |= steps.gradients(state, outer, inner)
        state, outer_metrics = steps.outer(state, outer, inner)
        metrics, files = metrics | outer_metrics, files | {"outer": outer["index"]}
    return state, metrics, files
