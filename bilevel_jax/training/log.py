"""What a run says of its steps: progress bar, metrics files, and the sentence that ends it at a NaN."""

import math
import time

import jax
import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from bilevel_jax.data.sets import Sets
from bilevel_jax.errors import RunError
from bilevel_jax.report.metrics_writer import MetricsWriter

MOST_SKIPPED = 10  # steps in a row


class Log:
    """Writes each step's metrics one step late, so that the device is never waited for, and stops at a NaN.

    Args:
        writer: where they go; None in all processes of a run but the first.
        start: the step that a resumed run starts from.
        total: the run's last step.
    """

    def __init__(self, config: ConfigDict, sets: Sets, writer: MetricsWriter | None, start: int, total: int):
        self._config, self._sets, self._writer = config, sets, writer
        quiet = writer is None
        self._bar = tqdm(total=total, initial=start, unit="step", dynamic_ncols=True, smoothing=0.1, disable=quiet)
        self._shown: dict[str, str] = {}
        self._skipped = 0  # steps in a row
        self._pending: tuple[int, dict[str, jax.Array], dict[str, np.ndarray]] | None = None
        self._time = time.perf_counter()

    def add(self, step: int, metrics: dict[str, jax.Array], files: dict[str, np.ndarray]) -> None:
        """Takes the metrics of `step`, and the indices of the files that its batches held by the batch's name."""
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
        self._check_finite(step, values, files)
        now = time.perf_counter()
        values["time/step_s"], self._time = now - self._time, now
        values["time/images_per_s"] = sum(map(len, files.values())) / values["time/step_s"]
        phase = "warm_start" if step <= self._config.warm_start.steps else "bilevel"
        measured = any(name.startswith("validation/") for name in values)
        if self._writer is not None and (step % self._config.log_every == 0 or measured):
            self._writer.write(step, {"phase": phase, **values})
        self._shown |= {
            name: f"{value:.3g}" for name, value in values.items() if name.startswith(("loss", "rho", "la"))
        }
        self._bar.set_postfix(self._shown | {"img/s": f"{values['time/images_per_s']:.0f}"}, refresh=False)
        self._bar.set_description(phase, refresh=False)
        self._bar.update()

    def _check_finite(self, step: int, values: dict[str, float], files: dict[str, np.ndarray]) -> None:
        bad = [name for name, value in values.items() if name.startswith("loss") and not math.isfinite(value)]
        if self._config.on_nan == "skip":
            skipped = any(value > 0 for name, value in values.items() if name.startswith("skipped"))
            self._skipped = self._skipped + 1 if skipped else 0
            if self._skipped < MOST_SKIPPED:
                return
            bad = bad or ["the norm of the updated parameters"]
        for name in bad:
            part = next((p for p in files if p in name), next(iter(files)))
            names = ", ".join(self._sets.train.names[i] for i in files[part])
            raise RunError(
                f"{name} is {values.get(name, math.inf)} at step {step}, on the batch {names}; the last checkpoint is "
                "from before. Lower the learning rate, or look at these files."
            )

    def close(self) -> None:
        """Closes the progress bar and the files."""
        self._bar.close()
        if self._writer is not None:
            self._writer.close()
