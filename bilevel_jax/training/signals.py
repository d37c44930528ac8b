"""SIGTERM and SIGINT: the first signal asks the run to stop after its step, the second ends the process at once."""

import os
import signal
import threading
from types import FrameType
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from bilevel_jax.errors import EXIT_RESUME, StopSignal

ASK_OTHERS_EVERY = 10  # steps; to ask the other processes, a process has to wait for its device


class StopRequest:
    """A context in which `asked` turns true once the process is told to stop.

    Outside the main thread Python installs no signal handlers, so `asked` stays false there.

    Attributes:
        asked: whether the process was told to stop.
    """

    SIGNALS = (signal.SIGTERM, signal.SIGINT)

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._ask) for number in self.SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def asked_of_any(self, step: int) -> bool:
        """Returns whether any process of the run was told to stop; all processes get the same answer at the same step.

        Collective: every process must call it, after every step.
        """
        if jax.process_count() == 1:
            return self.asked
        return step % ASK_OTHERS_EVERY == 0 and bool(multihost_utils.process_allgather(np.array(self.asked)).any())

    def check(self, what: str = "nothing is lost") -> None:
        """Raises StopSignal where the process was told to stop; `what` says in the message what is kept."""
        if self.asked:
            raise StopSignal(f"stopped by a signal; {what}, and the same command resumes.")

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            os._exit(EXIT_RESUME)  # whatever is being written has a temporary name until it is whole
        self.asked = True
