"""Where a folder of pairs keeps its boxes as YOLO text: in `boxes/`, or in `labels/` as Ultralytics has them."""

from pathlib import Path

SUFFIX = ".txt"
CLASS_NAMES = "classes"  # labelling tools write classes.txt beside the boxes


def holds_yolo(folder: Path | None) -> bool:
    """Returns whether a folder holds text files other than classes.txt; False for None."""
    if folder is None:
        return False
    return any(
        path.suffix.lower() == SUFFIX and path.stem != CLASS_NAMES and not path.name.startswith(".")
        for path in folder.glob("*")
    )
