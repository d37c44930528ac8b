"""From a source of samples to host batches: endless shuffled crops to train on, whole images to evaluate on."""

from collections.abc import Iterator, Sequence
from typing import Any

import grain
import numpy as np

from bilevel_jax.data.annotations.label_maps import IGNORE
from bilevel_jax.data.augment.recipe import Augmentation
from bilevel_jax.data.batch import Batch, WholeImageBatch, stack_samples
from bilevel_jax.data.box_padding import box_slots, pad_boxes, training_slots
from bilevel_jax.data.class_balance import Holders, draw_by_class, holders_by_class
from bilevel_jax.data.resumable import ResumableBatches
from bilevel_jax.data.sources.mixed import MixedSource
from bilevel_jax.data.sources.source import Sample, Source
from bilevel_jax.data.sources.subset import Subset
from bilevel_jax.errors import InputError

# Batches made ahead of the one in use.
PREFETCH = 4


def training_batches(
    source: Source,
    indices: Sequence[int] | np.ndarray,
    *,
    batch_size: int,
    seed: int,
    balance: float = 0.0,
    balance_classes: Sequence[str] = (),
    max_boxes: int = 32,
    num_threads: int = 2,
    workers: int = 0,
    prefetch: int = PREFETCH,
    shard_index: int = 0,
    shard_count: int = 1,
    **augmentation: Any,
) -> ResumableBatches:
    """Makes batches without end: every pair of `indices` once an epoch, in a new order, as `Augmentation` changes it.

    Batch k is a function of (seed, k) alone, whatever the numbers of threads and workers are. So a restored position
    continues the same stream bit for bit. A batch may hold pairs of two epochs, so `indices` may be shorter than a
    batch.

    Shards deal out one stream: shard i of n takes its samples i, i + n, i + 2n, ... Together the shards show every pair
    once an epoch, and none is dropped or repeated where n does not divide the number of pairs. Their k-th batches
    together hold exactly the samples of the k-th batch that one process would make at n times the batch size.

    Each part of a `MixedSource` is a stream with epochs of its own, and the parts take turns by weight.

    With `balance` this share of the samples is drawn class by class: first one of the box classes that occur in the
    part of `indices`, all alike, then one of the part's pairs that have a box of it (`draw_by_class`; for a mosaic all
    four pairs). The other samples are those that come without `balance`, in the same order. A part without boxes is
    not balanced.

    Args:
        source: where samples come from.
        indices: which of its pairs.
        batch_size: B, of this shard.
        seed: any number from 0 on; streams of neighbouring seeds are independent.
        balance: share of the samples that is drawn class by class, in [0, 1].
        balance_classes: names of the classes that are balanced; () = all. Those that a part lacks are left out in it.
        max_boxes: N is the next multiple of this that holds the boxes of every sample, see `training_slots`.
        num_threads: threads that read in this process; 0 makes each batch when it is asked for.
        workers: processes that read instead; 0 = none. Each keeps a cache of its own.
        prefetch: batches made ahead of the one in use.
        shard_index: i, in [0, shard_count).
        shard_count: n, for example `jax.process_count()`.
        **augmentation: the fields of `Augmentation`, of which `crop` is required.

    Returns:
        An iterator of batches.

    Raises:
        InputError: `indices` is empty, or a class that is to be balanced does not occur (`holders_by_class`). Later,
            from the iterator: a pair is smaller than the crop, or cannot be read.
    """
    if len(indices) == 0:
        raise InputError("the list of training items is empty, expected at least one.")
    recipe = Augmentation(**augmentation)
    slots = training_slots(source, max_boxes, recipe.pairs)
    parts = source.split(indices) if isinstance(source, MixedSource) else [(indices, 1.0)]
    lists = [own for own, _ in parts]
    balanced = holders_by_class(source, lists, balance_classes) if balance else [[] for _ in lists]
    streams = []
    for number, (own, holders) in enumerate(zip(lists, balanced, strict=True)):
        subset = Subset(source, own)
        stream = _samples(subset, recipe, slots, (seed, number) if number else seed)
        if holders:
            by_class = _samples(subset, recipe, slots, (seed, number, 1), holders)
            if balance == 1:  # grain refuses a weight of 0
                stream = by_class
            else:
                stream = grain.MapDataset.mix([stream, by_class], weights=[1.0 - balance, balance])
        streams.append(stream if shard_count == 1 else stream[shard_index::shard_count])
    samples = streams[0]
    if len(streams) > 1:
        samples = grain.MapDataset.mix(streams, weights=[weight for _, weight in parts])
    # grain counts an endless stream as sys.maxsize samples, and fails to count its batches of one.
    batches = samples.batch(batch_size, batch_fn=stack_samples) if batch_size > 1 else samples.map(_stack_one)
    return ResumableBatches(batches, threads=num_threads, workers=workers, prefetch=prefetch)


def _samples(
    subset: Subset, recipe: Augmentation, slots: int, seed: int | Sequence[int], holders: Holders | None = None
) -> grain.MapDataset:
    """Makes the endless stream of training samples of one list of pairs.

    Every pair comes once an epoch. With `holders` each sample is drawn by class instead.
    """

    def name(sample: Sample) -> str:
        return subset.source.where(int(sample["index"]))

    def another(rng: np.random.Generator) -> Sample:
        return subset[draw_by_class(holders, rng) if holders else int(rng.integers(len(subset)))]

    def augment(sample: Sample, rng: np.random.Generator) -> Sample:
        return pad_boxes(recipe(sample, rng, another, name), slots)

    def drawn(_: int, rng: np.random.Generator) -> Sample:
        return augment(another(rng), rng)

    # grain adds the epoch's number to the seed of its shuffle, so neighbouring seeds would repeat each other's epochs.
    mixed = int(np.random.SeedSequence(seed).generate_state(1)[0])
    if holders:
        return grain.MapDataset.range(1).seed(mixed).repeat().random_map(drawn)
    return grain.MapDataset.source(subset).seed(mixed).shuffle().repeat().random_map(augment)


def evaluation_batches(
    source: Source, indices: Sequence[int] | np.ndarray, batch_size: int, multiple: int = 32, max_boxes: int = 32
) -> Iterator[WholeImageBatch]:
    """Makes batches of whole images, each pair of `indices` once and in order.

    The images of a batch are padded below and to the right to one size: images by their border pixels, label maps by
    255. The last batch is filled up by copies of its last pair with `has_labels` and `has_boxes` False and `index` -1.

    Args:
        source: where samples come from.
        indices: which of its pairs.
        batch_size: B.
        multiple: height and width of a batch are multiples of this.
        max_boxes: N is the next multiple of this that holds the boxes of every pair of the batch.
    """
    for start in range(0, len(indices), batch_size):
        samples = [source[int(index)] for index in indices[start : start + batch_size]]
        filler: Sample = {
            **samples[-1],
            "has_labels": np.bool_(False),
            "has_boxes": np.bool_(False),
            "index": np.int64(-1),
        }
        samples += [filler] * (batch_size - len(samples))
        sizes = np.array([sample["ir"].shape[:2] for sample in samples], np.int32)
        height, width = (-(-sizes.max(axis=0) // multiple) * multiple).tolist()
        slots = box_slots(max(len(sample["boxes"]) for sample in samples), max_boxes)
        batch = stack_samples([pad_boxes(_pad_images(sample, height, width), slots) for sample in samples])
        yield {**batch, "size": sizes}


def _stack_one(sample: Sample) -> Batch:
    return stack_samples([sample])


def _pad_images(sample: Sample, height: int, width: int) -> Sample:
    below, right = height - sample["ir"].shape[0], width - sample["ir"].shape[1]
    if not (below or right):
        return sample
    rows, columns = (0, below), (0, right)
    return {
        **sample,
        "ir": np.pad(sample["ir"], (rows, columns, (0, 0)), mode="edge"),
        "vis": np.pad(sample["vis"], (rows, columns, (0, 0)), mode="edge"),
        "saliency": np.pad(sample["saliency"], (rows, columns, (0, 0)), mode="edge"),
        "labels": np.pad(sample["labels"], (rows, columns), constant_values=IGNORE),
    }
