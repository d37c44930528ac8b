"""An endless iterator over batches whose position is one number, in this process or in worker processes."""

import time

import grain
from absl import flags

from bilevel_jax.data.batch import Batch


class ResumableBatches:
    """Gives batch after batch of a grain data set in which batch k is a function of k alone.

    Its position is therefore k, whatever number of threads and processes read. A run that was stopped may go on with
    another number and still sees the same batches. Threads and workers start when the first batch is asked for.

    Attributes:
        seconds_waited: how many seconds `next` has taken, all calls together.
    """

    def __init__(self, batches: grain.MapDataset, *, threads: int, workers: int, prefetch: int):
        """Starts nothing yet.

        Args:
            batches: an endless data set of batches.
            threads: that read in this process; 0 makes each batch when it is asked for.
            workers: processes that read instead; 0 = none.
            prefetch: batches made ahead of the one in use.
        """
        self._batches, self._threads, self._workers, self._prefetch = batches, threads, workers, prefetch
        self._position = 0
        self._iterator: grain.DatasetIterator | None = None
        self.seconds_waited = 0.0

    def __iter__(self) -> "ResumableBatches":
        return self

    def __next__(self) -> Batch:
        start = time.perf_counter()
        if self._iterator is None:
            self._iterator = self._open()
        batch = next(self._iterator)
        self._position += 1
        self.seconds_waited += time.perf_counter() - start
        return batch

    def get_state(self) -> dict[str, int]:
        """Returns the position, the number of batches that were given, in a form that JSON takes."""
        return {"next_index": self._position}

    def set_state(self, state: dict[str, int]) -> None:
        """Goes to a position of `get_state`; the next batch is the one that followed it."""
        self.close()
        self._position = int(state["next_index"])

    def close(self) -> None:
        """Ends worker processes. The next batch starts them again."""
        if self._iterator is not None:
            self._iterator.close()
            self._iterator = None

    def _open(self) -> grain.DatasetIterator:
        coming = self._batches[self._position :]
        if not self._workers:
            ahead = max(self._prefetch, self._threads) if self._threads else 0  # grain warns where it is fewer
            return iter(
                coming.to_iter_dataset(grain.ReadOptions(num_threads=self._threads, prefetch_buffer_size=ahead))
            )
        # grain's workers read absl flags, which must be marked as parsed where no absl program has parsed them.
        if not flags.FLAGS.is_parsed():
            flags.FLAGS.mark_as_parsed()
        # A worker reads with one thread, since there are as many workers as cores to use.
        reading = coming.to_iter_dataset(grain.ReadOptions(num_threads=1, prefetch_buffer_size=1))
        each = max(1, -(-self._prefetch // self._workers))
        options = grain.MultiprocessingOptions(num_workers=self._workers, per_worker_buffer_size=each)
        return iter(reading.mp_prefetch(options, worker_init_fn=_keep_off_the_accelerator))


def _keep_off_the_accelerator(worker: int, workers: int) -> None:
    """Keeps a worker, which only decodes, from taking memory of the device that trains."""
    import jax

    jax.config.update("jax_platforms", "cpu")
