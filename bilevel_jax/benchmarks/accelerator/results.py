"""The types of the check's results, as accelerator.json holds them."""

from typing import Literal, NotRequired, TypedDict

Facts = dict[str, object]
"""Device, number of devices, backend and versions that figures belong to."""


class Row(TypedDict):
    """One line of the table. A part leaves out what it does not measure.

    `share` is the measured speed (XLA's count of operations over the measured time) in per cent of the card's dense
    peak at that precision. `peak_mib` is the most memory that the process has held on the device so far. If the backend
    does not tell, `peak_mib` is the memory of the compiled program, and `result` says so.
    """

    what: str
    ms: NotRequired[float]  # median of calls after a first
    compile_s: NotRequired[float]
    peak_mib: NotRequired[float]
    tflop: NotRequired[float | None]
    share: NotRequired[float | None]
    result: NotRequired[str]
    passed: NotRequired[bool]  # of a row that can fail
    details: NotRequired[dict[str, object]]  # for the JSON file alone


class Job(TypedDict):
    """What must be the same for a finished part to be kept."""

    module: str
    options: dict[str, object]
    environment: dict[str, str | None]


class PartResult(TypedDict):
    """What became of one part. "stopped" = its time ran out; "not reached" = too little time was left to begin."""

    part: str
    job: Job
    status: Literal["done", "failed", "stopped", "not reached"]
    rows: list[Row]
    seconds: float
    error: NotRequired[str]  # one sentence, unless the status is "done"


class ResultsFile(TypedDict, total=False):
    """The content of accelerator.json; {} if there is no such file yet."""

    device: Facts | None
    parts: list[PartResult]


class PartFile(TypedDict, total=False):
    """The content of the file that the process of one part writes; {} if it has not written yet."""

    rows: list[Row]
    error: str
