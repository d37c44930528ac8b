"""How a data set is prepared."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of `prepare.py`.

    Fields:
        classes: names of the class numbers in YOLO files, where the download does not say them.
        seed: draws the blocks that are held out where no split is published.
        saliency: "" = a pair's own mask where it has one, else the saliency is computed when the pair is read. A name
            in `images.saliency.METHODS` = it is computed now and stored. Anything else is a folder of masks NAME.png.
        infrared_range: (low, high) raw counts for a saliency that is stored (`scale_raw`); () = by the image itself.
        allow_overlap: take pairs that stand in two splits.
    """

    classes: tuple[str, ...] = ()
    seed: int = 0
    saliency: str = ""
    infrared_range: tuple[float, ...] = ()
    allow_overlap: bool = False

    def range_or_none(self) -> tuple[float, float] | None:
        """Returns `infrared_range` as `scale_raw` takes it."""
        if not self.infrared_range:
            return None
        low, high = self.infrared_range
        return low, high
