"""From a source of records to host batches: endless shuffled crops to train on, whole images to evaluate on."""

from collections.abc import Iterator, Sequence
from typing import Any

import grain
import numpy as np

from bilevel_jax.data.annotations import IGNORE
from bilevel_jax.data.augment import horizontal_flip, pad_boxes, random_crop, scale_brightness
from bilevel_jax.errors import InputError

Batch = dict[str, np.ndarray]
# Batches made ahead of the one in use.
PREFETCH = 4


def training_batches(
    source: Any,
    indices: Sequence[int],
    *,
    batch_size: int,
    crop: tuple[int, int],
    seed: int,
    flip: bool = True,
    brightness: float = 0.1,
    max_boxes: int = 32,
    num_threads: int = 2,
) -> grain.DatasetIterator:
    """Batches without end: every item of `indices` once an epoch in a new order, cropped, flipped and brightened.

    What comes is a function of (seed, position) alone, so that a restored position continues the same stream bit for
    bit, whatever `num_threads` is: `get_state()` gives a small dict (JSON takes it), `set_state(state)` takes it back.
    A batch may hold items of two epochs, so a list shorter than a batch will do.

    Args:
        source: a random access sequence of records (`FolderSource` describes one).
        indices: which of its items.
        batch_size: B.
        crop: (height, width) in pixels.
        seed: any non-negative number; streams of neighbouring seeds are independent.
        flip: mirror every other image.
        brightness: each image is multiplied by its own factor from [1 - brightness, 1 + brightness].
        max_boxes: N; of more boxes than that in a crop the largest are kept.
        num_threads: 0 makes each batch when it is asked for.

    Returns:
        A grain iterator of batches: `ir` [B, H, W, 1], `vis` [B, H, W, 3], uint8, or uint16 where an item of the batch
        is; `saliency` uint8 [B, H, W, 1]; `labels` int32 [B, H, W], 255 = ignore; `boxes` float32 [B, N, 4] (y0, x0,
        y1, x1 in pixels); `classes` int32 [B, N], -1 = padding; `has_labels`, `has_boxes` bool [B]; `index` int64 [B].

    Raises:
        InputError: `indices` is empty; later, from the iterator, an item is smaller than the crop or cannot be read.
    """
    if len(indices) == 0:
        raise InputError("the list of training items is empty, expected at least one.")

    def augment(record: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        record = random_crop(record, crop, rng, source.names[int(record["index"])])
        # Drawn in every case: what one option does must not change what the others draw.
        mirrored, *factors = rng.random(3)
        if flip and mirrored < 0.5:
            record = horizontal_flip(record)
        if brightness:
            for key, draw in zip(("ir", "vis"), factors, strict=True):
                record[key] = scale_brightness(record[key], 1.0 + brightness * (2.0 * draw - 1.0))
        return pad_boxes(record, max_boxes)

    # grain adds the epoch's number to the seed of its shuffle: neighbouring seeds would repeat each other's epochs.
    mixed = int(np.random.SeedSequence(seed).generate_state(1)[0])
    reading = grain.ReadOptions(num_threads=num_threads, prefetch_buffer_size=PREFETCH if num_threads else 0)
    dataset = (
        grain.MapDataset.source(_Subset(source, indices))
        .seed(mixed)
        .shuffle()
        .repeat()
        .random_map(augment)
        .batch(batch_size, batch_fn=stack)
        .to_iter_dataset(reading)
    )
    return iter(dataset)


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
        if key in ("ir", "vis") and len({value.dtype for value in values}) > 1:
            values = [value.astype(np.uint16) * 257 if value.dtype == np.uint8 else value for value in values]
        batch[key] = np.stack(values)
    return batch


class _Subset:
    """Some items of a source, in a given order."""

    def __init__(self, source: Any, indices: Sequence[int]):
        self._source, self._indices = source, np.asarray(indices, np.int64).tolist()

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, position: int) -> dict[str, Any]:
        return dict(self._source[self._indices[position]])

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
