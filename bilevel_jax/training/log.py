"""What a run tells about its steps: the progress bar and the metrics files."""

import time

import jax
import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from bilevel_jax.data.sets import Sets
from bilevel_jax.report import metric_names
from bilevel_jax.report.metrics_writer import MetricsWriter
from bilevel_jax.training.stop_on_nan import StopOnNan

Logged = dict[str, jax.Array | float]  # scalars by name
SHOWN = (metric_names.LOSS, metric_names.RHO, metric_names.WEIGHT)  # in the progress bar


class Log:
    """Writes each step's metrics one step late, so that no step waits for the device, and stops the run at a NaN.

    Args:
        config: a checked configuration.
        sets: gives the names of the training files.
        writer: where the metrics go; None in every process of a run but the first.
        start: the step that a resumed run starts from.
        total: the run's last step.
    """

    def __init__(self, config: ConfigDict, sets: Sets, writer: MetricsWriter | None, start: int, total: int):
        self._config, self._writer = config, writer
        quiet = writer is None
        self._bar = tqdm(total=total, initial=start, unit="step", dynamic_ncols=True, smoothing=0.1, disable=quiet)
        self._shown: dict[str, str] = {}
        self._nan = StopOnNan(config.on_nan, sets.train.names)
        self._pending: tuple[int, Logged, dict[str, np.ndarray]] | None = None
        self._time = time.perf_counter()

    def add(self, step: int, metrics: Logged, files: dict[str, np.ndarray]) -> None:
        """Takes the metrics of `step`, and writes those of the step before.

        Args:
            step: the number of the step.
            metrics: scalars by name.
            files: indices of the files that the step's batches held, by the name of the batch.

        Raises:
            RunError: as `flush`, about the step before.
        """
        self.flush()
        self._pending = step, metrics, files

    def flush(self) -> None:
        """Writes what was added last.

        Raises:
            RunError: a loss is NaN or infinite; or, where such steps are skipped, that was the tenth in a row.
        """
        if self._pending is None:
            return
        (step, metrics, files), self._pending = self._pending, None
        values = {name: float(value) for name, value in jax.device_get(metrics).items()}
        self._nan.check(step, values, files)
        now = time.perf_counter()
        seconds, self._time = now - self._time, now
        rate = sum(map(len, files.values())) / seconds
        values[metric_names.STEP_SECONDS], values[metric_names.IMAGES_PER_SECOND] = seconds, rate
        phase = metric_names.WARM_START if step <= self._config.warm_start.steps else metric_names.BILEVEL
        quantities = {name: metric_names.parse(name).quantity for name in values}
        told = metric_names.VALIDATION in quantities.values() or values.get(metric_names.NO_TASK, 0.0) > 0
        if self._writer is not None and (step % self._config.log_every == 0 or told):
            self._writer.write(step, {"phase": phase, **values})
        self._shown |= {name: f"{values[name]:.3g}" for name, quantity in quantities.items() if quantity in SHOWN}
        self._bar.set_postfix(self._shown | {"img/s": f"{rate:.0f}"}, refresh=False)
        self._bar.set_description(phase, refresh=False)
        self._bar.update()

    def close(self) -> None:
        """Closes the progress bar and the files."""
        self._bar.close()
        if self._writer is not None:
            self._writer.close()
