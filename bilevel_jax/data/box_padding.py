"""How many boxes a batch has room for: as many as the fullest sample may hold, so that none is dropped."""

from typing import Any


def most_boxes(source: Any) -> int:
    """The largest number of boxes of any item.

    A source with a method `most_boxes` is asked (it may answer with a bound); of another one every record is read.
    """
    if hasattr(source, "most_boxes"):
        return source.most_boxes()
    return max((len(source[index]["boxes"]) for index in range(len(source))), default=0)


def box_slots(source: Any, multiple: int, items: int = 1) -> int:
    """N of a batch's `boxes` [B, N, 4]: the next multiple of `multiple`, itself at least, for the fullest sample.

    Args:
        source: whose items the samples are made of.
        multiple: at least 1.
        items: how many of them one sample may show, 4 with mosaics.
    """
    return max(1, -(-most_boxes(source) * items // multiple)) * multiple
