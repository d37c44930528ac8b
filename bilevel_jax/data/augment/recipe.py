"""The recipe that makes a training sample of a record, with its options and the draws behind each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bilevel_jax.data.augment.crop import horizontal_flip, random_crop, scale_brightness
from bilevel_jax.data.augment.misregistration import shift_infrared
from bilevel_jax.data.augment.mosaic import mosaic
from bilevel_jax.data.augment.photometric import glare, retoned, thermal_exposure, visible_exposure
from bilevel_jax.data.augment.scaled_crop import scaled_crop
from bilevel_jax.data.sources.swapped import swap_cameras

Record = dict[str, Any]


@dataclass(frozen=True)
class Augmentation:
    """What may happen to a record. Each option but crop, flip and brightness draws from a stream of its own.

    Fields:
        crop: (height, width) in pixels.
        flip: mirror every other sample.
        brightness: each image is multiplied by its own factor from [1 - brightness, 1 + brightness].
        scale: (lowest, highest) factor by which a sample is enlarged (`scaled_crop`); (1, 1) cuts pixels as they are.
        mosaic: share of samples that are put together of four items (`mosaic`).
        misregistration: the infrared image is moved by up to this many whole pixels (`shift_infrared`).
        infrared_gain, infrared_noise: see `thermal_exposure`.
        visible_gamma, visible_color: see `visible_exposure`.
        visible_glare: share of samples with a light that blinds the visible camera (`glare`).
        tone: share of images, each of a pair by its own draw, with levels of another mean and slope (`retoned`).
        invert: share of samples whose infrared image shows heat as black; the saliency stays.
        swap: share of samples whose cameras change places, after all but brightness (`swap_cameras`).
    """

    crop: tuple[int, int]
    flip: bool = True
    brightness: float = 0.1
    scale: tuple[float, float] = (1.0, 1.0)
    mosaic: float = 0.0
    misregistration: int = 0
    infrared_gain: float = 0.0
    infrared_noise: float = 0.0
    visible_gamma: float = 0.0
    visible_color: float = 0.0
    visible_glare: float = 0.0
    tone: float = 0.0
    invert: float = 0.0
    swap: float = 0.0

    @property
    def items(self) -> int:
        """How many items one sample may show."""
        return 4 if self.mosaic else 1

    def __call__(
        self,
        record: Record,
        rng: np.random.Generator,
        draw: Callable[[np.random.Generator], Record],
        name: Callable[[Record], str],
    ) -> Record:
        """Makes one sample, of the size `crop`.

        Args:
            record: one item, whole; it is not written to.
            rng: a generator over Philox, in a state that is the sample's own.
            draw: gives another item, for a mosaic.
            name: of an item, for messages.

        Raises:
            InputError: an item is smaller than the crop.
        """
        streams = _Streams(rng)
        if self.mosaic and (choice := streams.make(1)).random() < self.mosaic:
            items = [record, *(draw(choice) for _ in range(3))]
            record = mosaic(items, self.crop, choice, self._cut(choice, streams, name))
        else:
            record = self._cut(rng, streams, name)(record, self.crop)
        # Drawn in every case: whether an image is mirrored must not change what the others draw.
        mirrored, *factors = rng.random(3)
        if self.flip and mirrored < 0.5:
            record = horizontal_flip(record)
        if self.misregistration:
            record = shift_infrared(record, self.misregistration, streams.make(3))
        record = self._expose(dict(record), streams)
        if self.brightness:
            for key, factor in zip(("ir", "vis"), factors, strict=True):
                record[key] = scale_brightness(record[key], 1.0 + self.brightness * (2.0 * factor - 1.0))
        return record

    def _cut(
        self, rng: np.random.Generator, streams: "_Streams", name: Callable[[Record], str]
    ) -> Callable[..., Record]:
        if tuple(self.scale) == (1.0, 1.0):
            return lambda item, size: random_crop(item, size, rng, name(item))
        scaling = streams.make(2)
        return lambda item, size: scaled_crop(item, size, self.scale, scaling, name(item))

    def _expose(self, record: Record, streams: "_Streams") -> Record:
        if self.infrared_gain or self.infrared_noise:
            record["ir"] = thermal_exposure(record["ir"], self.infrared_gain, self.infrared_noise, streams.make(4))
        if self.visible_glare and (lights := streams.make(5)).random() < self.visible_glare:
            record["vis"] = glare(record["vis"], lights)
        if self.visible_gamma or self.visible_color:
            record["vis"] = visible_exposure(record["vis"], self.visible_gamma, self.visible_color, streams.make(6))
        for key, number in (("ir", 7), ("vis", 8)):
            if self.tone and (levels := streams.make(number)).random() < self.tone:
                record[key] = retoned(record[key], levels)
        if self.invert and streams.make(9).random() < self.invert:
            record["ir"] = np.iinfo(record["ir"].dtype).max - record["ir"]
        if self.swap and streams.make(10).random() < self.swap:
            record = swap_cameras(record)
        return record


class _Streams:
    """Generators that lie 2^128 draws apart, counted from where a sample's own generator begins; that does not move."""

    def __init__(self, rng: np.random.Generator):
        self._start = rng.bit_generator.state["state"]

    def make(self, number: int) -> np.random.Generator:
        counter = self._start["counter"].copy()
        counter[2] += number
        return np.random.Generator(np.random.Philox(counter=counter, key=self._start["key"]))
