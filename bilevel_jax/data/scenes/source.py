"""The built-in scenes as a source."""

import numpy as np
from jaxtyping import Float32, Int32, Int64

from bilevel_jax.data.scenes.materials import GROUPS
from bilevel_jax.data.scenes.render import Scene, render
from bilevel_jax.data.scenes.world import BIKE, BOX_CLASSES, CAR, LABELS, PERSON, time_of_day
from bilevel_jax.data.sources.make_sample import make_read_only
from bilevel_jax.data.sources.source import Sample, Source
from bilevel_jax.errors import InputError
from bilevel_jax.images.saliency import infrared_saliency

_BOX_CLASS = {PERSON: 0, BIKE: 1, CAR: 2}


def boxes_of(scene: Scene) -> tuple[Float32[np.ndarray, "n 4"], Int32[np.ndarray, " n"]]:
    """Returns the visible extent of each person, bicycle and car (y0, x0, y1, x1 in pixels), and its class."""
    boxes, classes = [], []
    for entry in scene.objects:
        if entry.label in _BOX_CLASS:
            mask = scene.instances == entry.instance
            rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            boxes.append((rows[0], cols[0], rows[-1] + 1, cols[-1] + 1))
            classes.append(_BOX_CLASS[entry.label])
    return np.array(boxes, np.float32).reshape(-1, 4), np.array(classes, np.int32)


def generate(seed: int, index: int, height: int = 120, width: int = 160) -> Sample:
    """Makes one sample of the synthetic world; it depends on the arguments alone.

    Args:
        seed: which world, from 0 on.
        index: which of its scenes, from 0 on.
        height: of the images in pixels; `SceneSource` checks the sizes.
        width: of the images in pixels.

    Returns:
        A sample with uint8 images, labels by MFNet's numbers, and boxes of the classes person, bicycle and car.
    """
    scene = render(seed, index, height, width)
    boxes, classes = boxes_of(scene)
    luma = scene.vis.astype(np.float32) @ np.array((0.299, 0.587, 0.114), np.float32)
    saliency = infrared_saliency(scene.ir[..., 0], np.rint(luma).astype(np.uint8))
    return {
        "ir": scene.ir,
        "vis": scene.vis,
        "saliency": np.rint(saliency * 255.0).astype(np.uint8)[..., None],
        "labels": scene.labels,
        "boxes": boxes,
        "classes": classes,
        "has_labels": True,
        "has_boxes": True,
        "index": np.int64(index),
    }


class SceneSource(Source):
    """Scenes offset ... offset + num - 1 of one world, at one size, each made when it is first asked for.

    Attributes:
        names: of every scene, "scene_SEED_NUMBER".
        groups: "day", "dusk" or "night" of every scene.
        class_names: person, bicycle, car.
        label_names: MFNet's nine classes.
    """

    class_names = BOX_CLASSES
    label_names = LABELS

    def __init__(
        self, num: int, seed: int = 0, height: int = 120, width: int = 160, offset: int = 0, cache: bool = True
    ):
        """Makes nothing yet.

        Args:
            num: how many scenes, at least 1.
            seed: which world, from 0 on.
            height: of the images in pixels, at least 48.
            width: of the images in pixels, at least 48.
            offset: the first scene's number, from 0 on.
            cache: keep what was made in memory (about 180 kB a scene of 120 x 160).

        Raises:
            InputError: a number is below its least value.
        """
        if num < 1 or min(height, width) < 48:
            raise InputError(
                f"scenes: found num={num}, size {height}x{width}, expected num >= 1 and sides of at least 48"
            )
        if min(seed, offset) < 0:
            raise InputError(f"scenes: found seed={seed}, offset={offset}, expected both >= 0")
        self.num, self.seed, self.height, self.width, self.offset = num, seed, height, width, offset
        self._cache: dict[int, Sample] | None = {} if cache else None
        self.names = [f"scene_{seed}_{offset + i:05d}" for i in range(num)]
        self.groups = [GROUPS[time_of_day(seed, offset + i)] for i in range(num)]

    def __len__(self) -> int:
        return self.num

    def __repr__(self) -> str:
        return f"SceneSource({self.num}, seed={self.seed}, {self.height}x{self.width}, offset={self.offset})"

    def __getitem__(self, index: int) -> Sample:
        index = int(index)
        if not 0 <= index < self.num:
            raise IndexError(index)
        if self._cache is None:
            return self._make(index)
        if index not in self._cache:
            sample = self._make(index)
            make_read_only(sample)
            self._cache[index] = sample
        return {**self._cache[index]}

    def most_boxes(self) -> int:
        """Returns a bound: the foreground of a scene has up to eight things, and a cyclist has two boxes."""
        return 16

    def sizes(self) -> Int64[np.ndarray, "n 2"]:
        """Returns (height, width) of every scene; all are alike."""
        return np.tile(np.array([self.height, self.width], np.int64), (self.num, 1))

    def _make(self, index: int) -> Sample:
        sample = generate(self.seed, self.offset + index, self.height, self.width)
        sample["index"] = np.int64(index)
        return sample
