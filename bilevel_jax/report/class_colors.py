"""The colours of classes in pictures: one colour a class, in label maps, boxes and legends alike."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, UInt8

# The colours in which the papers of MFNet and MSRS print their nine classes.
MSRS_PALETTE = ("000000", "400080", "404000", "0080C0", "0000C0", "808000", "404080", "C08080", "C04000")
BOX_COLORS = ("FFD400", "00E5FF", "FF4FD8", "7CFF4F", "FF8A3C", "B59CFF")
IGNORE = 255
DARK = 110  # of 255: a colour of a lower luminance gets white letters and a white rim


def label_colors(labels: Int[np.ndarray, "*n"] | UInt8[np.ndarray, "*n"]) -> UInt8[np.ndarray, "*n 3"]:
    """Paints a label map in MSRS's colours.

    The colours repeat after nine classes. 255 (no label) becomes light grey.
    """
    labels = np.asarray(labels)
    palette = np.array([tuple(bytes.fromhex(color)) for color in MSRS_PALETTE], np.uint8)
    return np.where((labels == IGNORE)[..., None], np.uint8(200), palette[labels % len(palette)])


def box_colors(class_names: Sequence[str], label_names: Sequence[str] = ()) -> list[str]:
    """Returns a colour "#RRGGBB" for each class of the boxes: that of the label map for a class of the same name."""
    return [
        f"#{MSRS_PALETTE[label_names.index(name) % len(MSRS_PALETTE)]}" if name in label_names else box_color(number)
        for number, name in enumerate(class_names)
    ]


def box_color(number: int) -> str:
    """Returns the colour "#RRGGBB" of a box class without a name; the colours repeat after six classes."""
    return f"#{BOX_COLORS[number % len(BOX_COLORS)]}"


def legend_colors(class_names: Sequence[str], label_names: Sequence[str]) -> dict[str, str]:
    """Returns name -> colour "#RRGGBB" of all classes of a picture: those of label maps, then those of boxes alone."""
    labels = {name: f"#{MSRS_PALETTE[i % len(MSRS_PALETTE)]}" for i, name in enumerate(label_names)}
    boxes = zip(class_names, box_colors(class_names, label_names), strict=True)
    return labels | {name: color for name, color in boxes if name not in labels}


def is_dark(color: str) -> bool:
    """Returns whether black letters on this colour "#RRGGBB" are hard to read."""
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return 0.299 * red + 0.587 * green + 0.114 * blue < DARK
