"""What a part of the check hands over, row by row."""

from typing import NotRequired, TypedDict


class Row(TypedDict):
    """One line of the table; what a part does not measure is not there.

    `share` is the share in per cent of the card's dense peak at that precision that XLA's count of operations and the
    measured time come to. `peak_mib` is the most that the process held on the device up to then; where the backend
    does not say, the compiled program's own memory, and `result` says so.
    """

    what: str
    ms: NotRequired[float]  # median of calls after a first
    compile_s: NotRequired[float]
    peak_mib: NotRequired[float]
    tflop: NotRequired[float | None]
    share: NotRequired[float | None]
    result: NotRequired[str]
    passed: NotRequired[bool]  # of a row that can fail
    details: NotRequired[dict]  # for the JSON file alone
