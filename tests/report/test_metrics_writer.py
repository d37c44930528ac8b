"""metrics.jsonl: every step once, whatever stopped the run."""

import json
import struct

import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event

from bilevel_jax.errors import InputError
from bilevel_jax.report.metrics_writer import MetricsWriter, read_metrics


def _steps(folder):
    return [json.loads(line)["step"] for line in (folder / "metrics.jsonl").read_text().splitlines()]


def _events(folder):
    """(tag, step, value) of every scalar, read from the record format itself: length, checksum, bytes, checksum."""
    found = []
    for path in sorted((folder / "tensorboard").iterdir()):
        data, at = path.read_bytes(), 0
        while at < len(data):
            (length,) = struct.unpack("<Q", data[at : at + 8])
            event = Event.FromString(data[at + 12 : at + 12 + length])
            found += [(value.tag, event.step, value.simple_value) for value in event.summary.value]
            at += length + 16
    return found


def test_a_record_goes_to_both_files(tmp_path):
    with MetricsWriter(tmp_path / "run") as writer:
        writer.write(1, {"phase": "warm_start", "loss": {"visual": np.float32(0.5)}, "count": 3, "rho": float("nan")})
    (record,) = read_metrics(tmp_path / "run" / "metrics.jsonl")
    assert record == {"step": 1, "phase": "warm_start", "loss/visual": 0.5, "count": 3, "rho": None}
    events = {tag: (step, value) for tag, step, value in _events(tmp_path / "run")}
    assert events["loss/visual"] == (1, 0.5) and events["count"] == (1, 3)
    assert "phase" not in events


def test_resume_has_every_step_once(tmp_path):
    with MetricsWriter(tmp_path) as writer:
        for step in range(1, 8):
            writer.write(step, {"loss": step})
    with MetricsWriter(tmp_path) as writer:  # the checkpoint is of step 4
        writer.truncate_after(4)
        for step in range(5, 10):
            writer.write(step, {"loss": -step})
    assert _steps(tmp_path) == list(range(1, 10))
    assert [r["loss"] for r in read_metrics(tmp_path / "metrics.jsonl")] == [1, 2, 3, 4, -5, -6, -7, -8, -9]


def test_truncating_to_nothing_starts_anew(tmp_path):
    with MetricsWriter(tmp_path) as writer:
        writer.write(3, {"loss": 1})
        writer.truncate_after(0)
        writer.write(1, {"loss": 2})
    assert _steps(tmp_path) == [1]


def test_a_half_written_last_line_is_dropped(tmp_path):
    with MetricsWriter(tmp_path) as writer:
        writer.write(1, {"loss": 1.0})
    path = tmp_path / "metrics.jsonl"
    path.write_text(path.read_text() + '{"step": 2, "lo')
    assert [r["step"] for r in read_metrics(path)] == [1]
    with MetricsWriter(tmp_path) as writer:
        writer.write(2, {"loss": 2.0})
    assert _steps(tmp_path) == [1, 2]


def test_what_was_written_is_on_disk_before_closing(tmp_path):
    writer = MetricsWriter(tmp_path)
    writer.write(1, {"loss": 1.0})
    assert _steps(tmp_path) == [1]  # a kill now loses nothing
    writer.close()


def test_steps_increase(tmp_path):
    with MetricsWriter(tmp_path) as writer:
        writer.write(2, {"loss": 1.0})
        for step in (1, 2):
            with pytest.raises(ValueError, match=f"step {step} does not come after step 2"):
                writer.write(step, {"loss": 1.0})
    assert _steps(tmp_path) == [2]


def test_bad_places(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        MetricsWriter(tmp_path / "file" / "run")
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\nnot a record\n{"step": 3}\n')
    with pytest.raises(InputError, match="line 2"):
        MetricsWriter(tmp_path)
    assert "not a record" in (tmp_path / "metrics.jsonl").read_text()
    assert read_metrics(tmp_path / "none.jsonl") == []
