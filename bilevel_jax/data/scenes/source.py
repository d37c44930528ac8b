"""The built-in scenes as a random-access source of records."""

import numpy as np

from bilevel_jax.data.scenes.materials import GROUPS
from bilevel_jax.data.scenes.render import Scene, render
from bilevel_jax.data.scenes.world import BIKE, BOX_CLASSES, CAR, LABELS, PERSON, time_of_day
from bilevel_jax.errors import InputError
from bilevel_jax.images.saliency import infrared_saliency

_BOX_CLASS = {PERSON: 0, BIKE: 1, CAR: 2}


def boxes_of(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Visible extents (y0, x0, y1, x1) [n, 4] float32 in pixels, y1 and x1 exclusive, and classes [n] int32."""
    boxes, classes = [], []
    for entry in scene.objects:
        if entry.label in _BOX_CLASS:
            mask = scene.instances == entry.instance
            rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            boxes.append((rows[0], cols[0], rows[-1] + 1, cols[-1] + 1))
            classes.append(_BOX_CLASS[entry.label])
    return np.array(boxes, np.float32).reshape(-1, 4), np.array(classes, np.int32)


def generate(seed: int, index: int, height: int = 120, width: int = 160) -> dict:
    """One record of the synthetic RGB-T world, a function of its arguments alone.

    seed and index are integers >= 0, height and width are pixels. `SceneSource` is what checks them.

    Returns:
        ir [H,W,1], vis [H,W,3], saliency [H,W,1] uint8; labels [H,W] int32 (MFNet's ids); boxes [n,4] float32
        (y0, x0, y1, x1 in pixels); classes [n] int32 (person, bicycle, car); has_labels, has_boxes; index.
    """
    scene = render(seed, index, height, width)
    boxes, classes = boxes_of(scene)
    luma = scene.vis.astype(np.float32) @ np.array((0.299, 0.587, 0.114), np.float32)
    saliency = infrared_saliency(scene.ir[..., 0], np.rint(luma).astype(np.uint8))
    return dict(
        ir=scene.ir, vis=scene.vis, saliency=np.rint(saliency * 255.0).astype(np.uint8)[..., None],
        labels=scene.labels, boxes=boxes, classes=classes, has_labels=True, has_boxes=True, index=np.int64(index),
    )  # fmt: skip


class SceneSource:
    """Scenes offset ... offset + num - 1 of the world `seed`, at one size, made when first asked for.

    Attributes: names, groups ("day", "dusk", "night" of each), class_names (boxes), label_names (segmentation).
    Raises InputError for sizes under 48 pixels, a count below one, and a negative seed or offset. cache=True keeps what
    was made in memory (about 180 kB a scene of 120 x 160).
    """

    class_names = BOX_CLASSES
    label_names = LABELS

    def __init__(
        self, num: int, seed: int = 0, height: int = 120, width: int = 160, offset: int = 0, cache: bool = True
    ):
        if num < 1 or min(height, width) < 48:
            raise InputError(
                f"scenes: found num={num}, size {height}x{width}, expected num >= 1 and sides of at least 48"
            )
        if min(seed, offset) < 0:
            raise InputError(f"scenes: found seed={seed}, offset={offset}, expected both >= 0")
        self.num, self.seed, self.height, self.width, self.offset = num, seed, height, width, offset
        self._cache = {} if cache else None
        self.names = [f"scene_{seed}_{offset + i:05d}" for i in range(num)]
        self.groups = [GROUPS[time_of_day(seed, offset + i)] for i in range(num)]

    def __len__(self) -> int:
        return self.num

    def __repr__(self) -> str:
        return f"SceneSource({self.num}, seed={self.seed}, {self.height}x{self.width}, offset={self.offset})"

    def __getitem__(self, item: int) -> dict:
        item = int(item)
        if not 0 <= item < self.num:
            raise IndexError(item)
        if self._cache is None:
            return self._make(item)
        if item not in self._cache:
            record = self._make(item)
            for value in record.values():
                if isinstance(value, np.ndarray):
                    value.flags.writeable = False
            self._cache[item] = record
        return dict(self._cache[item])

    def most_boxes(self) -> int:
        """A bound on the boxes of a scene: up to eight things stand in its foreground, a cyclist has two."""
        return 16

    def _make(self, item: int) -> dict:
        record = generate(self.seed, self.offset + item, self.height, self.width)
        record["index"] = np.int64(item)
        return record
