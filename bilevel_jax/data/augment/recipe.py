"""The recipe that makes a training sample of a pair: its options, and what each of them draws."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bilevel_jax.data.augment.brightness import scale_brightness
from bilevel_jax.data.augment.crop import random_crop
from bilevel_jax.data.augment.flip import horizontal_flip
from bilevel_jax.data.augment.misregistration import shift_infrared
from bilevel_jax.data.augment.mosaic import mosaic
from bilevel_jax.data.augment.photometric import glare, retoned, thermal_exposure, visible_exposure
from bilevel_jax.data.augment.scaled_crop import scaled_crop
from bilevel_jax.data.augment.swap_cameras import swap_cameras
from bilevel_jax.data.sources.source import Sample

Name = Callable[[Sample], str]  # what messages call a sample
Cut = Callable[[Sample, tuple[int, int]], Sample]  # a crop of a sample at a size (height, width)


@dataclass(frozen=True)
class Augmentation:
    """What may happen to a sample. Each option but crop, flip and brightness draws from a random stream of its own.

    Fields:
        crop: (height, width) in pixels.
        flip: mirror every other sample.
        brightness: each image is multiplied by its own factor from [1 - brightness, 1 + brightness].
        scale: (lowest, highest) factor by which a sample is enlarged (`scaled_crop`); (1, 1) cuts pixels as they are.
        mosaic: share of samples that are put together of four pairs (`mosaic`).
        misregistration: the infrared image is moved by up to this many whole pixels (`shift_infrared`).
        infrared_gain, infrared_noise: see `thermal_exposure`.
        visible_gamma, visible_color: see `visible_exposure`.
        visible_glare: share of samples with a light that dazzles the visible camera (`glare`).
        tone: share of images that get another mean and contrast (`retoned`); each image of a pair has its own draw.
        invert: share of samples whose infrared image shows heat as black; the saliency stays.
        swap: share of samples whose cameras change places, after everything but brightness (`swap_cameras`).
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
    def pairs(self) -> int:
        """How many pairs one sample may show."""
        return 4 if self.mosaic else 1

    def __call__(
        self, sample: Sample, rng: np.random.Generator, draw: Callable[[np.random.Generator], Sample], name: Name
    ) -> Sample:
        """Makes one training sample of the size `crop`.

        Args:
            sample: one whole pair; it is not written to.
            rng: a generator over Philox, in a state that belongs to this sample alone.
            draw: draws another whole pair, for a mosaic.
            name: names a pair in messages.

        Raises:
            InputError: a pair is smaller than the crop.
        """
        streams = _Streams(rng)
        if self.mosaic and (choice := streams.make(1)).random() < self.mosaic:
            four = [sample, *(draw(choice) for _ in range(3))]
            sample = mosaic(four, self.crop, choice, self._cut(choice, streams, name))
        else:
            sample = self._cut(rng, streams, name)(sample, self.crop)
        # Drawn in every case: whether samples are mirrored must not change what the other options draw.
        mirrored, *factors = rng.random(3)
        if self.flip and mirrored < 0.5:
            sample = horizontal_flip(sample)
        if self.misregistration:
            sample = shift_infrared(sample, self.misregistration, streams.make(3))
        sample = self._expose(sample, streams)
        if self.brightness:
            ir, vis = (1.0 + self.brightness * (2.0 * factor - 1.0) for factor in factors)
            sample = {
                **sample,
                "ir": scale_brightness(sample["ir"], ir),
                "vis": scale_brightness(sample["vis"], vis),
            }
        return sample

    def _cut(self, rng: np.random.Generator, streams: "_Streams", name: Name) -> Cut:
        if tuple(self.scale) == (1.0, 1.0):
            return lambda sample, size: random_crop(sample, size, rng, name(sample))
        scaling = streams.make(2)
        return lambda sample, size: scaled_crop(sample, size, self.scale, scaling, name(sample))

    def _expose(self, sample: Sample, streams: "_Streams") -> Sample:
        ir, vis = sample["ir"], sample["vis"]
        if self.infrared_gain or self.infrared_noise:
            ir = thermal_exposure(ir, self.infrared_gain, self.infrared_noise, streams.make(4))
        if self.visible_glare and (lights := streams.make(5)).random() < self.visible_glare:
            vis = glare(vis, lights)
        if self.visible_gamma or self.visible_color:
            vis = visible_exposure(vis, self.visible_gamma, self.visible_color, streams.make(6))
        if self.tone and (levels := streams.make(7)).random() < self.tone:
            ir = retoned(ir, levels)
        if self.tone and (levels := streams.make(8)).random() < self.tone:
            vis = retoned(vis, levels)
        if self.invert and streams.make(9).random() < self.invert:
            ir = np.iinfo(ir.dtype).max - ir
        sample = {**sample, "ir": ir, "vis": vis}
        if self.swap and streams.make(10).random() < self.swap:
            sample = swap_cameras(sample)
        return sample


class _Streams:
    """Random generators of one sample that lie 2^128 draws apart, counted from the start of the sample's own generator.

    The sample's own generator does not advance when one is made.
    """

    def __init__(self, rng: np.random.Generator):
        self._start = rng.bit_generator.state["state"]

    def make(self, number: int) -> np.random.Generator:
        counter = self._start["counter"].copy()
        counter[2] += number
        return np.random.Generator(np.random.Philox(counter=counter, key=self._start["key"]))
