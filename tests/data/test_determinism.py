"""One seed gives one stream: in threads or worker processes, in one process or two, from the start or resumed."""

import json

import numpy as np
import pytest

from bilevel_jax.data.pipeline import training_batches
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.data.sources.mixed import MixedSource, Part

ITEMS, BATCH = 14, 4
EPOCHS = 2
BATCHES = EPOCHS * ITEMS // BATCH  # 7: two whole epochs
EVERYTHING = dict(
    scale=(0.8, 1.4), mosaic=0.4, misregistration=3, infrared_gain=0.2, infrared_noise=0.05, visible_gamma=0.2,
    visible_color=0.1, visible_glare=0.3, tone=0.4, invert=0.3, swap=0.3,
)  # fmt: skip


@pytest.fixture(scope="module")
def scenes():
    source = SceneSource(ITEMS, seed=2, height=48, width=64)
    for index in range(ITEMS):
        source[index]
    return source


@pytest.fixture(scope="module")
def mixed(scenes):
    return MixedSource([Part("a", scenes), Part("b", SceneSource(5, seed=9, height=56, width=60), weight=0.4)])


def stream(source, workers=0, **options):
    options = {"batch_size": BATCH, "crop": (40, 48), "seed": 6, "num_threads": 0, **options}
    return training_batches(source, range(len(source)), workers=workers, **options)


def take(iterator, number):
    return [next(iterator) for _ in range(number)]


def assert_same(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert a.keys() == b.keys()
        for key in a:
            assert a[key].dtype == b[key].dtype
            np.testing.assert_array_equal(a[key], b[key], err_msg=key)


@pytest.mark.parametrize("workers", [1, 2])
def test_worker_processes_give_the_same_batches_over_two_epochs(scenes, workers):
    expected = take(stream(scenes, **EVERYTHING), BATCHES)
    iterator = stream(scenes, workers, **EVERYTHING)
    assert_same(take(iterator, BATCHES), expected)
    iterator.close()
    order = np.concatenate([batch["index"] for batch in expected]).reshape(EPOCHS, ITEMS)
    assert (np.sort(order, axis=1) == np.arange(ITEMS)).all()


def test_a_stream_resumes_anywhere_with_another_number_of_workers_and_mixed_sets(mixed):
    options = EVERYTHING | {"balance": 0.4, "balance_classes": ("person", "car")}
    expected = take(stream(mixed, **options), 12)
    iterator = stream(mixed, 2, **options)
    assert_same(take(iterator, 5), expected[:5])
    state = json.loads(json.dumps(iterator.get_state()))
    assert_same(take(iterator, 2), expected[5:7])  # reading on after a checkpoint does not move it
    iterator.set_state(state)
    assert_same(take(iterator, 3), expected[5:8])
    state = iterator.get_state()
    iterator.close()
    for threads in (0, 3):
        resumed = stream(mixed, num_threads=threads, **options)
        resumed.set_state(state)
        assert_same(take(resumed, 4), expected[8:])
    assert any((batch["index"] >= ITEMS).any() for batch in expected)


@pytest.mark.parametrize(("items", "shards"), [(14, 2), (13, 2), (13, 3)])
def test_processes_together_have_each_item_once_an_epoch_and_the_batch_of_one(scenes, items, shards):
    whole = training_batches(
        scenes, range(items), batch_size=12, crop=(40, 48), seed=6, num_threads=0, **EVERYTHING
    )  # fmt: skip
    parts = [
        training_batches(
            scenes, range(items), batch_size=12 // shards, crop=(40, 48), seed=6, num_threads=0, shard_index=i,
            shard_count=shards, **EVERYTHING,
        )
        for i in range(shards)
    ]  # fmt: skip
    seen = []
    for batch in take(whole, items):  # 12 epochs, most of which no shard can divide
        made = [next(part) for part in parts]
        for key, value in batch.items():
            # Sample j of the one batch is sample j // n of shard j % n.
            together = np.stack([part[key] for part in made], axis=1).reshape(value.shape)
            np.testing.assert_array_equal(together, value, err_msg=key)
        seen.extend(batch["index"])
    assert (np.sort(np.reshape(seen, (12, items)), axis=1) == np.arange(items)).all()


def test_processes_share_each_part_of_a_mixture(mixed):
    parts = [stream(mixed, shard_index=i, shard_count=2) for i in range(2)]
    index = [np.concatenate([batch["index"] for batch in take(part, 35)]) for part in parts]
    for own in index:
        assert (own >= ITEMS).mean() == pytest.approx(0.4 / 1.4, abs=0.01)  # no process is left without a part
    first = [own[own < ITEMS] for own in index]
    pairs = np.stack([part[:70] for part in first], axis=1).reshape(10, ITEMS)
    assert (np.sort(pairs, axis=1) == np.arange(ITEMS)).all()
