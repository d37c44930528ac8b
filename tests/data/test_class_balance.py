"""Samples that are drawn class by class: their shares, their stream, and what is refused."""

import numpy as np
import pytest

from bilevel_jax.data.configured_batches import configured_batches
from bilevel_jax.data.inner_outer import alternate_blocks
from bilevel_jax.data.pipeline import training_batches
from bilevel_jax.data.sources.cached import CachedSource
from bilevel_jax.data.sources.mixed import MixedSource, Part
from bilevel_jax.data.sources.source import Source
from bilevel_jax.errors import InputError
from bilevel_jax.training.config import check_config, default_config

NAMES = ("person", "bus", "car")
CARS, EMPTY = (5, 17, 30), (0, 39)
PAIRS = 40
PEOPLE = PAIRS - len(CARS) - len(EMPTY)


class Rare(Source):
    """40 pairs of 36 x 40 pixels: three hold a car, two hold nothing, the others hold people; none holds a bus."""

    label_names, groups = (), None

    def __init__(self, class_names=NAMES, cars=CARS):
        self.class_names, self.names, self.reads = class_names, [f"n{i}" for i in range(PAIRS)], 0
        self._cars = cars

    def __len__(self):
        return PAIRS

    def __getitem__(self, index):
        self.reads += 1
        name = "car" if index in self._cars else "person"
        known = bool(self.class_names)
        number = 2 if known and index not in EMPTY else 0
        return {
            "ir": np.full((36, 40, 1), index, np.uint8),
            "vis": np.zeros((36, 40, 3), np.uint8),
            "saliency": np.zeros((36, 40, 1), np.uint8),
            "labels": np.broadcast_to(np.int32(255), (36, 40)),
            "boxes": np.tile(np.float32([8, 8, 28, 28]), (number, 1)),
            "classes": np.full(number, self.class_names.index(name) if known else 0, np.int32),
            "has_labels": np.bool_(False),
            "has_boxes": np.bool_(known),
            "index": np.int64(index),
        }


def stream(source, indices=range(PAIRS), **options):
    options = {"batch_size": 8, "crop": (32, 32), "seed": 3, "num_threads": 0, **options}
    return training_batches(source, indices, **options)


def take(iterator, number):
    return [next(iterator) for _ in range(number)]


def drawn(number, source=None, indices=range(PAIRS), **options):
    batches = take(stream(source or Rare(), indices, **options), number // 8)
    return np.concatenate([batch["index"] for batch in batches])


def assert_same(one, other):
    assert one.keys() == other.keys()
    for key in one:
        np.testing.assert_array_equal(one[key], other[key], err_msg=key)


def within(count, number, share):
    """Whether a count of `number` draws is less than four standard deviations away from its expectation."""
    return abs(count - number * share) < 4 * np.sqrt(number * share * (1 - share))


def test_classes_are_seen_equally_often_and_so_are_the_pairs_of_a_class():
    index = drawn(1600, balance=1.0)
    counts = np.bincount(index, minlength=PAIRS)
    cars = counts[list(CARS)]
    assert within(cars.sum(), 1600, 1 / 2)  # against 3 of 40 without
    assert all(within(count, 1600, 1 / 2 / 3) for count in cars)
    people = np.delete(counts, [*CARS, *EMPTY])
    assert all(within(count, 1600, 1 / 2 / PEOPLE) for count in people) and not counts[list(EMPTY)].any()


@pytest.mark.parametrize("balance", [0.25, 0.5])
def test_the_other_samples_are_those_of_today(balance):
    plain = [*take(stream(Rare(), batch_size=1), 60), {}]
    mixed = take(stream(Rare(), batch_size=1, balance=balance), 80)
    place, by_class = 0, []
    for batch in mixed:
        same = all(np.array_equal(batch[key], value) for key, value in plain[place].items()) and place < 60
        place, by_class = place + same, by_class + ([] if same else [int(batch["index"][0])])
    assert place == 80 * (1 - balance)  # bit for bit, in the order and at the crops of a stream without balance
    assert within(np.isin(by_class, CARS).sum(), len(by_class), 1 / 2)


def test_the_share_is_that_of_all_samples():
    index = drawn(1600, balance=0.5)
    assert within(np.isin(index, CARS).sum(), 1600, 0.5 * 1 / 2 + 0.5 * 3 / PAIRS)


def test_only_the_named_classes_are_balanced():
    assert set(drawn(80, balance=1.0, balance_classes=("car",))) == set(CARS)
    index = drawn(800, balance=1.0, balance_classes=("car", "car", "person"))
    assert within(np.isin(index, CARS).sum(), 800, 1 / 2)


def test_all_four_pairs_of_a_mosaic_are_drawn_by_class():
    some = take(stream(Rare(), balance=1.0, balance_classes=("car",), mosaic=1.0, brightness=0.0), 5)
    assert all(set(np.unique(batch["ir"])) <= set(CARS) for batch in some)
    assert any(len(np.unique(image)) > 1 for batch in some for image in batch["ir"])


def test_a_batch_is_a_function_of_its_number():
    # test_determinism.py has the same with worker processes and in a mixture.
    options = dict(balance=0.5, mosaic=0.4, scale=(1.0, 1.5))
    expected = take(stream(Rare(), **options), 8)
    iterator = stream(Rare(), **options, num_threads=2)
    assert_same(next(iterator), expected[0])
    state = iterator.get_state()
    iterator.close()
    resumed = stream(Rare(), **options)
    resumed.set_state({"next_index": state["next_index"] + 3})
    assert_same(next(resumed), expected[4])
    other = take(stream(Rare(), **options | {"seed": 4}), 8)
    assert all((one["index"] != two["index"]).any() for one, two in zip(other, expected, strict=True))


@pytest.mark.parametrize("shards", [2, 3])
def test_processes_together_have_the_batch_of_one(shards):
    whole = stream(Rare(), batch_size=12, balance=0.4)
    parts = [
        stream(Rare(), batch_size=12 // shards, balance=0.4, shard_index=i, shard_count=shards) for i in range(shards)
    ]
    for batch in take(whole, 5):
        made = [next(part) for part in parts]
        for key, value in batch.items():
            together = np.stack([part[key] for part in made], axis=1).reshape(value.shape)
            np.testing.assert_array_equal(together, value, err_msg=key)


def test_inner_and_outer_part_are_balanced_each_within_its_own_pairs():
    inner, outer = alternate_blocks(PAIRS, block=10)
    for part in (inner, outer):
        own = np.intersect1d(part, CARS)
        assert len(own)
        index = drawn(400, indices=part, balance=1.0)
        assert set(index) <= set(part) and set(own) <= set(index)
        assert within(np.isin(index, CARS).sum(), 400, 1 / 2)
    # A part without a car gives its people alone; one that has none of the named classes stays as it is.
    without = np.setdiff1d(np.arange(PAIRS), CARS)
    assert set(drawn(800, indices=without, balance=1.0)) <= set(np.setdiff1d(without, EMPTY))
    index = drawn(3 * len(without) // 8 * 8, indices=without, balance=1.0, balance_classes=("car",))
    np.testing.assert_array_equal(index, drawn(len(index), indices=without))


def test_a_mixture_is_balanced_inside_each_labelled_part():
    bare, other = Rare(()), Rare(("car", "person", "bus"), cars=(1, 2))
    mixed = MixedSource([Part("a", Rare()), Part("b", bare, 0.5), Part("c", other, 0.5)])
    np.testing.assert_array_equal(mixed.held_classes()[[5, 45, 81, 84]].argmax(axis=1), [2, 0, 2, 0])
    index = drawn(800, mixed, range(3 * PAIRS), balance=1.0)
    part, place = np.divmod(index, PAIRS)
    counts = np.bincount(part)
    np.testing.assert_allclose(counts / 800, (1 / 2, 1 / 4, 1 / 4), atol=0.01)  # the weights are what they were
    assert within(np.isin(place[part == 0], CARS).sum(), counts[0], 1 / 2)
    assert within(np.isin(place[part == 2], (1, 2)).sum(), counts[2], 1 / 2)
    plain = drawn(160, mixed, range(3 * PAIRS))
    plain = plain[plain // PAIRS == 1]
    np.testing.assert_array_equal(index[part == 1][: len(plain)], plain)


def test_without_balance_nothing_is_asked_and_a_cache_asks_once():
    source = Rare()
    source.most_boxes = lambda: 2
    for balance, reads in ((0.0, 0), (0.5, PAIRS), (0.5, 2 * PAIRS)):
        stream(source, balance=balance)
        assert source.reads == reads
    cached = CachedSource(source, 0)
    for _ in range(2):
        stream(cached, balance=0.5)
    assert source.reads == 3 * PAIRS


def test_what_does_not_occur_is_named():
    for name in ("bus", "tram"):
        expected = rf"config\.data\.balance_classes has '{name}', .* occur: person \(35 pairs\), car \(3 pairs\)\."
        with pytest.raises(InputError, match=expected):
            stream(Rare(), balance=0.5, balance_classes=("car", name))
    for source in (Rare(()), MixedSource([Part("a", Rare(())), Part("b", Rare())])):
        with pytest.raises(InputError, match=r"config\.rows\.balance is above 0, and none of the \d+ training pairs"):
            stream(source, range(len(source)), balance=0.5)


def test_a_configuration_asks_for_it():
    config = default_config()
    config.data.balance, config.data.balance_classes, config.data.crop = 1.0, ("car",), (32, 32)
    check_config(config)
    batches = configured_batches(config.data, Rare(), range(PAIRS), batch_size=8, seed=0)
    assert set(next(batches)["index"]) <= set(CARS)
    batches.close()
    config = default_config()
    config.data.balance_classes = (1,)
    with pytest.raises(InputError, match=r"config\.data\.balance_classes is \(1,\); expected names of classes"):
        check_config(config)
