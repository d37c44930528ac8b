"""Writes and reads the metrics of a run: metrics.jsonl and TensorBoard events."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np
from tensorboardX import SummaryWriter

from bilevel_jax.atomic import replacing
from bilevel_jax.errors import InputError

MetricsRecord = dict[str, float | str | None]
"""One line of metrics.jsonl by name. "step" is always there and whole; null stands for NaN and infinity."""


class MetricsWriter:
    """Writes one line of JSON a step to WORKDIR/metrics.jsonl, and the same numbers as TensorBoard events.

    The file holds every step once. Steps increase. Opening the file drops a last line that a kill has cut short. A
    resumed run calls `truncate_after` with the step of its checkpoint.

    Args:
        workdir: the run's folder; it is created if it does not exist. Events go to WORKDIR/tensorboard.

    Raises:
        InputError: the folder cannot be written, or metrics.jsonl holds something else.
    """

    _lines: TextIO
    _events: SummaryWriter
    _last_step: int | None

    def __init__(self, workdir: str | os.PathLike):
        self.path = Path(workdir) / "metrics.jsonl"
        self._open(read_metrics(self.path), purge_step=None)

    def write(self, step: int, values: Mapping[str, object]) -> None:
        """Adds the line of `step`.

        Args:
            step: greater than every step in the file.
            values: by name numbers, texts, None, arrays of one element, or a mapping of these. Names of a mapping in a
                mapping are joined by a slash. NaN and infinity become null. Texts and null go to metrics.jsonl only.

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
        """Removes all steps greater than `step` from metrics.jsonl; TensorBoard no longer shows their events."""
        self.close()
        self._open([record for record in read_metrics(self.path) if step_of(record) <= step], purge_step=step + 1)

    def close(self) -> None:
        """Closes both files."""
        self._lines.close()
        self._events.close()

    def __enter__(self) -> "MetricsWriter":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _open(self, records: Sequence[MetricsRecord], purge_step: int | None) -> None:
        with replacing(self.path) as temporary:
            temporary.write_text("".join(map(_line, records)))
        self._last_step = step_of(records[-1]) if records else None
        try:
            self._lines = self.path.open("a")
            self._events = SummaryWriter(str(self.path.parent / "tensorboard"), purge_step=purge_step, flush_secs=10)
        except OSError as error:
            raise InputError(f"{self.path.parent} cannot be written: {error.strerror or error}.") from error


def read_metrics(path: str | os.PathLike) -> list[MetricsRecord]:
    """Reads the records of a metrics.jsonl in order; [] if there is no file.

    A last line that a kill has cut short is left out.

    Raises:
        InputError: the file cannot be read, or a line before the last one is no record with a step.
    """
    path = Path(path)
    try:
        lines = path.read_text().split("\n") if path.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
    # The text after the last newline is empty, or it is the half line that a kill left.
    records = []
    for number, line in enumerate(lines[:-1], start=1):
        try:
            record = json.loads(line)
            record["step"] = int(record["step"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} line {number} is no record with a step: {line[:60]!r}.") from error
        records.append(record)
    return records


def step_of(record: MetricsRecord) -> int:
    """The step of a record."""
    return int(number_of(record, "step"))


def number_of(record: MetricsRecord, name: str) -> float:
    """A number of a record; NaN where the file has null.

    Raises:
        KeyError: the record has no such name.
    """
    value = record[name]
    return math.nan if value is None else float(value)


def _line(record: MetricsRecord) -> str:
    return json.dumps(record, allow_nan=False) + "\n"


def _flatten(values: Mapping[str, object], prefix: str = "") -> MetricsRecord:
    scalars: MetricsRecord = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            scalars |= _flatten(value, f"{prefix}{name}/")
        else:
            scalar = np.asarray(value).item()
            scalars[prefix + name] = scalar if isinstance(scalar, int | str) or math.isfinite(scalar) else None
    return scalars
