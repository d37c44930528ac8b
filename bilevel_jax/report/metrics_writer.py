"""The figures of a run, step by step: metrics.jsonl and TensorBoard events."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tensorboardX import SummaryWriter

from bilevel_jax.atomic import replacing
from bilevel_jax.errors import InputError


class MetricsWriter:
    """Writes one line of JSON a step to WORKDIR/metrics.jsonl, and the same as events under WORKDIR/tensorboard.

    Every step is in the file once: steps increase, a line that a kill left half-written is dropped on opening, and a
    resumed run calls `truncate_after` with the step of its checkpoint.

    Args:
        workdir: the run's folder; made where it does not exist.

    Raises:
        InputError: the folder cannot be written, or metrics.jsonl holds something else.
    """

    def __init__(self, workdir: str | os.PathLike):
        self.path = Path(workdir) / "metrics.jsonl"
        self._lines = None
        self._open(read_metrics(self.path), purge_step=None)

    def write(self, step: int, values: Mapping[str, Any]) -> None:
        """Adds the line of `step`: scalars by name; nested names are joined by a slash, NaN and infinity become null.

        Text and null stand in metrics.jsonl alone.

        Raises:
            ValueError: `step` is not greater than the last one written.
        """
        if self._last_step is not None and step <= self._last_step:
            raise ValueError(f"step {step} does not come after step {self._last_step}, the last in {self.path}")
        scalars = _flatten(values)
        self._lines.write(_line({"step": int(step), **scalars}))
        self._lines.flush()
        self._last_step = int(step)
        for name, value in scalars.items():
            if isinstance(value, int | float):
                self._events.add_scalar(name, value, step)

    def truncate_after(self, step: int) -> None:
        """Forgets what was written for steps greater than `step`; TensorBoard hides its events of those steps."""
        self._close()
        self._open([record for record in read_metrics(self.path) if record["step"] <= step], purge_step=step + 1)

    def close(self) -> None:
        """Closes both files."""
        self._close()

    def __enter__(self) -> "MetricsWriter":
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def _open(self, records: list[dict[str, Any]], purge_step: int | None) -> None:
        with replacing(self.path) as temporary:
            temporary.write_text("".join(map(_line, records)))
        self._last_step = records[-1]["step"] if records else None
        try:
            self._lines = self.path.open("a")
            self._events = SummaryWriter(str(self.path.parent / "tensorboard"), purge_step=purge_step, flush_secs=10)
        except OSError as error:
            raise InputError(f"{self.path.parent} cannot be written: {error.strerror or error}.") from error

    def _close(self) -> None:
        self._lines.close()
        self._events.close()


def read_metrics(path: str | os.PathLike) -> list[dict[str, Any]]:
    """The records of a metrics.jsonl in order, each a dict with "step"; [] where there is no file.

    A last line that is half-written is left out.

    Raises:
        InputError: the file cannot be read, or a line before the last is no record.
    """
    path = Path(path)
    try:
        lines = path.read_text().split("\n") if path.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
    # What follows the last newline is empty, or the half line that a kill left.
    records = []
    for number, line in enumerate(lines[:-1], start=1):
        try:
            record = json.loads(line)
            record["step"] = int(record["step"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} line {number} is no record with a step: {line[:60]!r}.") from error
        records.append(record)
    return records


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, allow_nan=False) + "\n"


def _flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, float | int | str | None]:
    scalars = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            scalars |= _flatten(value, f"{prefix}{name}/")
        else:
            value = np.asarray(value).item()
            scalars[prefix + name] = value if isinstance(value, int | str) or math.isfinite(value) else None
    return scalars
