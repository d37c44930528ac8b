"""From a source of records to host batches: endless shuffled crops to train on, whole images to evaluate on."""

from collections.abc import Iterator, Sequence
from typing import Any

import grain
import numpy as np

from bilevel_jax.data.annotations.text_files import IGNORE
from bilevel_jax.data.augment.crop import pad_boxes
from bilevel_jax.data.augment.mosaic import same_depth
from bilevel_jax.data.augment.recipe import Augmentation
from bilevel_jax.data.box_padding import box_slots
from bilevel_jax.data.resumable import Batch, ResumableBatches
from bilevel_jax.data.sources.mixed import MixedSource
from bilevel_jax.errors import InputError

# Batches made ahead of the one in use.
PREFETCH = 4


def training_batches(
    source: Any,
    indices: Sequence[int],
    *,
    batch_size: int,
    seed: int,
    max_boxes: int = 32,
    num_threads: int = 2,
    workers: int = 0,
    prefetch: int = PREFETCH,
    shard_index: int = 0,
    shard_count: int = 1,
    **augmentation: Any,
) -> ResumableBatches:
    """Batches without end: every item of `indices` once an epoch in a new order, cropped, flipped and brightened.

    What comes is a function of (seed, position) alone, so that a restored position continues the same stream bit for
    bit, whatever the numbers of threads and workers are: `get_state()` gives a small dict (JSON takes it),
    `set_state(state)` takes it back. A batch may hold items of two epochs, so a list shorter than a batch will do.

    Shards deal out one stream: shard i of n takes its samples i, i + n, i + 2n, ... Together they have every item once
    an epoch, nothing is dropped or repeated where n does not divide the items, and their k-th batches hold exactly the
    samples of the k-th batch of n times the size that one process would make.

    Of a `MixedSource` every part is such a stream of its own, with epochs of its own, and parts take turns by weight.

    Args:
        source: a random access sequence of records (`FolderSource` describes one).
        indices: which of its items.
        batch_size: B, of this shard.
        seed: any non-negative number; streams of neighbouring seeds are independent.
        max_boxes: N is the next multiple of this that holds every sample's boxes, see `box_slots`.
        num_threads: read in this process; 0 makes each batch when it is asked for.
        workers: processes that read instead, 0 = none. Each keeps what it caches to itself.
        prefetch: batches made ahead of the one in use.
        shard_index: i, in [0, shard_count).
        shard_count: n, for example `jax.process_count()`.
        **augmentation: `crop` and the options of `Augmentation`.

    Returns:
        An iterator of batches: `ir` [B, H, W, 1], `vis` [B, H, W, 3], uint8, or uint16 where an item of the batch
        is; `saliency` uint8 [B, H, W, 1]; `labels` int32 [B, H, W], 255 = ignore; `boxes` float32 [B, N, 4] (y0, x0,
        y1, x1 in pixels); `classes` int32 [B, N], -1 = padding; `has_labels`, `has_boxes` bool [B]; `index` int64 [B].

    Raises:
        InputError: `indices` is empty; later, from the iterator, an item is smaller than the crop or cannot be read.
    """
    if len(indices) == 0:
        raise InputError("the list of training items is empty, expected at least one.")
    recipe = Augmentation(**augmentation)
    slots = box_slots(source, max_boxes, recipe.items)
    parts = source.split(indices) if isinstance(source, MixedSource) else [(indices, 1.0)]
    streams = []
    for number, (own, _) in enumerate(parts):
        stream = _samples(_Subset(source, own), recipe, slots, (seed, number) if number else seed)
        streams.append(stream if shard_count == 1 else stream[shard_index::shard_count])
    samples = streams[0]
    if len(streams) > 1:
        samples = grain.MapDataset.mix(streams, weights=[weight for _, weight in parts])
    # grain counts an endless stream as sys.maxsize, and its batches of one as more than that: more than it can count.
    batches = samples.batch(batch_size, batch_fn=stack) if batch_size > 1 else samples.map(_stack_one)
    return ResumableBatches(batches, threads=num_threads, workers=workers, prefetch=prefetch)


def _samples(subset: "_Subset", recipe: Augmentation, slots: int, seed: int | tuple[int, int]) -> grain.MapDataset:
    """The endless stream of samples of one list of items."""

    def augment(record: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        another = lambda stream: subset[int(stream.integers(len(subset)))]
        return pad_boxes(recipe(record, rng, another, subset.name), slots)

    # grain adds the epoch's number to the seed of its shuffle: neighbouring seeds would repeat each other's epochs.
    mixed = int(np.random.SeedSequence(seed).generate_state(1)[0])
    return grain.MapDataset.source(subset).seed(mixed).shuffle().repeat().random_map(augment)


def evaluation_batches(
    source: Any, indices: Sequence[int], batch_size: int, multiple: int = 32, max_boxes: int = 32
) -> Iterator[Batch]:
    """Batches of whole images, each item of `indices` once and in order.

    The images of a batch are padded below and to the right to one size, a multiple of `multiple`: by their border
    pixels, the labels by 255. The last batch is filled up by its last item with `has_labels` and `has_boxes` False and
    `index` -1. No box is dropped: N is the next multiple of `max_boxes`.

    Yields:
        A batch as `training_batches` describes it, and `size` int32 [B, 2]: each image's own height and width.
    """
    for start in range(0, len(indices), batch_size):
        records = [source[int(index)] for index in indices[start : start + batch_size]]
        filler = {**records[-1], "has_labels": np.bool_(False), "has_boxes": np.bool_(False), "index": np.int64(-1)}
        records += [filler] * (batch_size - len(records))
        sizes = np.array([record["ir"].shape[:2] for record in records], np.int32)
        height, width = (-(-sizes.max(axis=0) // multiple) * multiple).tolist()
        most = max(len(record["boxes"]) for record in records)
        slots = max(1, -(-most // max_boxes)) * max_boxes
        batch = stack([pad_boxes(_pad_images(record, height, width), slots) for record in records])
        yield {**batch, "size": sizes}


def stack(records: Sequence[dict[str, Any]]) -> Batch:
    """Stacks records of one size to a batch; where uint8 and uint16 images meet, uint8 becomes uint16 (times 257)."""
    batch = {}
    for key in records[0]:
        values = [record[key] for record in records]
        batch[key] = np.stack(same_depth(values) if key in ("ir", "vis") else values)
    return batch


def _stack_one(record: dict[str, Any]) -> Batch:
    return stack([record])


class _Subset:
    """Some items of a source, in a given order."""

    def __init__(self, source: Any, indices: Sequence[int]):
        self._source, self._indices = source, np.asarray(indices, np.int64).tolist()

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, position: int) -> dict[str, Any]:
        return dict(self._source[self._indices[position]])

    def name(self, record: dict[str, Any]) -> str:
        """What messages call a record."""
        return self._source.names[int(record["index"])]

    def __repr__(self) -> str:
        return f"{len(self)} items of {self._source!r}"


def _pad_images(record: dict[str, Any], height: int, width: int) -> dict[str, Any]:
    below, right = height - record["ir"].shape[0], width - record["ir"].shape[1]
    if not (below or right):
        return record
    margins = ((0, below), (0, right))
    padded = {key: np.pad(record[key], (*margins, (0, 0)), mode="edge") for key in ("ir", "vis", "saliency")}
    padded["labels"] = np.pad(record["labels"], margins, constant_values=IGNORE)
    return {**record, **padded}
