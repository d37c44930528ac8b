"""The training run: data, state, resume, steps, and what is written on the way."""

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from bilevel_jax.atomic import write_json
from bilevel_jax.checkpoints import Run
from bilevel_jax.data.pipeline import evaluation_batches, training_batches
from bilevel_jax.data.sets import Sets
from bilevel_jax.errors import RunError, StopSignal
from bilevel_jax.report.plots import plot_curves
from bilevel_jax.report.writers import MetricsWriter
from bilevel_jax.training.problem import networks_from_config
from bilevel_jax.training.sheets import write_sheet
from bilevel_jax.training.signals import StopRequest
from bilevel_jax.training.state import Optimizers, TrainState, initial_state
from bilevel_jax.training.step import make_steps

SHEET_SAMPLES = 4


def train(config: ConfigDict, sets: Sets, workdir: Path, stop: StopRequest) -> TrainState:
    """Warm start, then bilevel training, continued from the last checkpoint in `workdir`.

    Leaves config.json, classes.json, checkpoints/, metrics.jsonl, tensorboard/, sheets/STEP.png and curves.png.

    Args:
        config: a checked configuration.
        sets: the data, from `open_sets`.
        workdir: the run's folder.
        stop: looked at after every step.

    Returns:
        The state after the last step.

    Raises:
        InputError: `workdir` cannot be written or holds another model's run.
        RunError: a loss is NaN or infinite; the message has the step, the loss and the files of the batch.
        StopSignal: stopped by a signal, after saving.
    """
    # 1. What does not change: networks, optimizers, compiled steps.
    networks = networks_from_config(config, sets.train.class_names, sets.train.label_names)
    optimizers = Optimizers(config, num_tasks=1 if networks.semantic is None else 2)
    steps = make_steps(config, networks, optimizers)
    # 2. The state and the data from their beginning.
    state = initial_state(config, networks, optimizers)
    batches = {"inner": _batches(config, sets, "inner"), "outer": _batches(config, sets, "outer")}
    # 3. Or from the last checkpoint: state, then data position, then metrics up to that step.
    run = Run(workdir, config, keep=config.keep_checkpoints)
    write_json(run.workdir / "classes.json", {"boxes": sets.train.class_names, "labels": sets.train.label_names})
    restored = run.restore(state)
    start = 0
    if restored is not None:
        start, state, position = restored
        for name, iterator in batches.items():
            iterator.set_state(position[name])
    writer = MetricsWriter(run.workdir)
    writer.truncate_after(start)
    # 4. The steps that are left.
    total = config.warm_start.steps + config.steps
    shown = np.linspace(0, len(sets.validation) - 1, min(SHEET_SAMPLES, len(sets.validation))).astype(int)
    sample = next(iter(evaluation_batches(sets.validation, shown, len(shown))))
    log = _Log(config, sets, writer, start, total)
    try:
        for step in range(start + 1, total + 1):
            state, metrics, files = _take_step(config, steps, state, batches, step)
            log.add(step, metrics, files)
            if config.sheet_every and (step % config.sheet_every == 0 or step == total):
                images, predictions = steps.predict(state.outer_params, state.inner_params, sample)
                write_sheet(run.workdir / "sheets" / f"{step:06d}.png", sample, images, predictions, sets.validation)
            if step % config.checkpoint_every == 0 or step == total or stop.asked:
                log.flush()  # a NaN ends the run here, before it reaches a checkpoint
                position = {name: iterator.get_state() for name, iterator in batches.items()}
                run.save(step, state, position, wait=stop.asked or step == total)
            if stop.asked and step < total:
                raise StopSignal(f"saved step {step} of {total} in {run.workdir}; the same command resumes it.")
    finally:
        log.close()
        run.close()
    if start < total:
        plot_curves(run.workdir / "metrics.jsonl", run.workdir / "curves.png")
    return state


def _batches(config: ConfigDict, sets: Sets, part: str) -> Iterator[dict[str, np.ndarray]]:
    data = config.data
    return training_batches(
        sets.train,
        getattr(sets, part),
        batch_size=data.batch_size,
        crop=tuple(data.crop),
        seed=2 * config.seed + (part == "outer"),
        flip=data.flip,
        brightness=data.brightness,
        max_boxes=data.max_boxes,
        num_threads=data.threads,
    )


def _take_step(
    config: ConfigDict, steps: Any, state: TrainState, batches: dict[str, Iterator], step: int
) -> tuple[TrainState, dict[str, jax.Array], dict[str, np.ndarray]]:
    """One step of the warm start, or one inner step and, every `outer_every`-th time, an outer step after it."""
    if step <= config.warm_start.steps:
        batch = next(batches["outer"])
        state, metrics = steps.warm_start(state, batch)
        return state, metrics, {"warm_start": batch["index"]}
    inner = next(batches["inner"])
    state, metrics = steps.inner(state, inner)
    files = {"inner": inner["index"]}
    bilevel_step = step - config.warm_start.steps
    if bilevel_step % config.bilevel.outer_every == 0:
        outer = next(batches["outer"])
        if config.log_gradients_every and bilevel_step % config.log_gradients_every == 0:
            metrics |= steps.gradients(state, outer, inner)
        state, outer_metrics = steps.outer(state, outer, inner)
        metrics, files = metrics | outer_metrics, files | {"outer": outer["index"]}
    return state, metrics, files


class _Log:
    """Writes each step's metrics one step late, so that the device is never waited for, and stops at a NaN."""

    def __init__(self, config: ConfigDict, sets: Sets, writer: MetricsWriter, start: int, total: int):
        self._config, self._sets, self._writer = config, sets, writer
        self._bar = tqdm(total=total, initial=start, unit="step", dynamic_ncols=True, smoothing=0.1)
        self._shown: dict[str, str] = {}
        self._pending: tuple[int, dict[str, jax.Array], dict[str, np.ndarray]] | None = None
        self._time = time.perf_counter()

    def add(self, step: int, metrics: dict[str, jax.Array], files: dict[str, np.ndarray]) -> None:
        self.flush()
        self._pending = step, metrics, files

    def flush(self) -> None:
        if self._pending is None:
            return
        (step, metrics, files), self._pending = self._pending, None
        values = {name: float(value) for name, value in jax.device_get(metrics).items()}
        self._check_finite(step, values, files)
        now = time.perf_counter()
        values["time/step_s"], self._time = now - self._time, now
        values["time/images_per_s"] = sum(map(len, files.values())) / values["time/step_s"]
        phase = "warm_start" if step <= self._config.warm_start.steps else "bilevel"
        if step % self._config.log_every == 0:
            self._writer.write(step, {"phase": phase, **values})
        self._shown |= {
            name: f"{value:.3g}" for name, value in values.items() if name.startswith(("loss", "rho", "la"))
        }
        self._bar.set_postfix(self._shown | {"img/s": f"{values['time/images_per_s']:.0f}"}, refresh=False)
        self._bar.set_description(phase, refresh=False)
        self._bar.update()

    def _check_finite(self, step: int, values: dict[str, float], files: dict[str, np.ndarray]) -> None:
        for name, value in values.items():
            if name.startswith("loss") and not math.isfinite(value):
                part = next((p for p in files if p in name), next(iter(files)))
                names = ", ".join(self._sets.train.names[i] for i in files[part])
                raise RunError(
                    f"{name} is {value} at step {step}, on the batch {names}; the last checkpoint is from before. "
                    "Lower the learning rate, or look at these files."
                )

    def close(self) -> None:
        self._bar.close()
        self._writer.close()
