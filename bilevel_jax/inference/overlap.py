"""Reading, computing and writing at the same time, in order and with little memory."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Name = TypeVar("Name")
Data = TypeVar("Data")


def read_ahead(
    read: Callable[[Name], Data], names: Iterable[Name], workers: int = 1
) -> Generator[Callable[[], Data], None, None]:
    """Yields for each name, in order, a function that returns what `read` gives; the next is read meanwhile.

    At most `workers + 1` results wait. What `read` raises is raised by the function that stands for its name.

    Args:
        read: what is done for each name; with several workers it must allow calls at the same time.
        names: taken one by one, as results are yielded.
        workers: how many threads call `read`.
    """
    remaining = iter(names)
    with ThreadPoolExecutor(workers, "read") as pool:
        waiting: deque[Future[Data]] = deque(pool.submit(read, name) for name in islice(remaining, workers + 1))
        try:
            while waiting:
                yield waiting.popleft().result
                waiting.extend(pool.submit(read, name) for name in islice(remaining, 1))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class WriteBehind:
    """Writes one thing while the next is computed.

    A context manager. What a write raises is raised by the next `submit` or at the end.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "write")
        self._last: Future[None] | None = None

    def submit(self, write: Callable[[], None]) -> None:
        """Starts a write after the one before has ended."""
        self.wait()
        self._last = self._pool.submit(write)

    def wait(self) -> None:
        """Waits for the last write, and raises what it raised."""
        last, self._last = self._last, None
        if last is not None:
            last.result()

    def __enter__(self) -> "WriteBehind":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.wait()
        finally:
            self._pool.shutdown(wait=True)
