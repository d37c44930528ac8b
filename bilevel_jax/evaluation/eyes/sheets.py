"""Writes what a person is shown: the sheets, the instructions, and a file for the answers."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt
from tqdm import tqdm

from bilevel_jax.atomic import write_text
from bilevel_jax.errors import InputError, first_few
from bilevel_jax.evaluation.appearance.methods import Method
from bilevel_jax.evaluation.appearance.pair_set import PairSet
from bilevel_jax.evaluation.eyes.sheet_key import Key, write_key
from bilevel_jax.report.picture_sheet import GAP, draw_cell, picture_sheet

ANSWERS, INSTRUCTIONS = "answers.csv", "instructions.txt"
LARGE = 480  # pixels: least width of a fused picture; a narrower one is enlarged by a whole factor
SMALL = 318  # pixels: greatest width of a camera image; two of them beside each other must not be enlarged like A and B
TEXT = """Which picture would you rather work with?

Each sheet shows one scene as two pictures, A on the left and B on the right. Below them, in small, is what the two
cameras saw: the visible image on the left and the infrared image (heat) on the right. These two show what there is
to be seen in the scene.

Look at each sheet and choose the picture that you would rather work with:
- People and cars can be seen, near and far.
- It looks like the scene: streets, signs, trees and sky are what they are.
- It has no artefacts: no halos, no black skies, no white cut-outs, no noise, no odd colours.
- Day looks like day.

Copy answers.csv and write one answer for each sheet into the column "answer":
A   the left picture is better
B   the right picture is better
=   neither is better

Answer all sheets, in their order, and alone. Do not open the folder "key" before you have finished.
"""


def write_sheets(
    folder: str | os.PathLike,
    key: Key,
    sets: Sequence[PairSet],
    methods: Sequence[Mapping[str, Method]],
    per_page: int = 1,
    check_stop: Callable[[], None] = lambda: None,
) -> None:
    """Writes the sheets, the key in a subfolder, the instructions, and the template of the answers.

    Args:
        folder: receives NNN.png (or NNN-NNN.png with several sheets), key/key.json, instructions.txt, answers.csv.
        key: what the sheets show.
        sets: the chosen pairs, of which the key was made.
        methods: for each set, name -> method.
        per_page: sheets of one image file, one below the other.
        check_stop: called after every file; may raise.

    Raises:
        InputError: the folder has an answers.csv or a picture of another name, `per_page` is below 1, an image cannot
            be read or has another size than its pair, or a file cannot be written.
    """
    folder = Path(folder)
    if (folder / ANSWERS).exists():
        # The template would overwrite answers, and the sheets would no longer be those that were answered.
        raise InputError(f"--out={folder} has an {ANSWERS} already; expected a new folder.")
    if per_page < 1:
        raise InputError(f"--per_page={per_page}; expected at least 1.")
    places = [(number, place) for number, own in enumerate(sets) for place in range(len(own.names))]
    numbers = list(key.sheets)
    pages = {}
    for first in range(0, len(numbers), per_page):
        page = numbers[first : first + per_page]
        pages[f"{page[0] if len(page) == 1 else f'{page[0]}-{page[-1]}'}.png"] = page
    foreign = sorted({path.name for path in folder.glob("*.png")} - pages.keys())
    if foreign:
        # A stopped command with other flags may have left them; beside the new ones they would look like sheets.
        raise InputError(f"--out={folder} holds {first_few(foreign)}, none of these sheets; expected a new folder.")
    write_key(folder, key)
    ours: dict[int, UInt[np.ndarray, "h w c"]] = {}  # pair -> its picture, which every rival is shown beside
    for file, page in tqdm(pages.items(), desc="sheets", unit="page", leave=False, delay=1.0):
        rows, texts = [], []
        for number in page:
            sheet = key.sheets[number]
            which, place = places[sheet.pair]
            pair = sets[which].read(place)
            name, light = sets[which].names[place], key.pairs[sheet.pair].light
            rival = sheet.b if sheet.a == key.ours else sheet.a
            if sheet.pair not in ours:
                ours[sheet.pair] = methods[which][key.ours].image(name, pair, light)
            shown = {key.ours: ours[sheet.pair], rival: methods[which][rival].image(name, pair, light)}
            rows += [
                [shown[sheet.a], shown[sheet.b]],
                [_side_by_side(pair.visible, pair.infrared)],
            ]
            texts += [f"Sheet {number}: A on the left, B on the right", f"Sheet {number}: visible and infrared"]
        picture_sheet(rows, folder / file, ("A", "B"), row_names=texts, cell_width=LARGE)
        check_stop()
    write_text(folder / INSTRUCTIONS, TEXT)
    write_text(folder / ANSWERS, "".join(f"{line}\n" for line in ["sheet,answer", *(f"{n}," for n in numbers)]))


def _side_by_side(
    visible: UInt[np.ndarray, "h w c"], infrared: UInt[np.ndarray, "h w 1"]
) -> UInt[np.ndarray, "small_h small_w 3"]:
    """What the cameras saw, small, with a white gap."""
    small = [np.asarray(draw_cell(image, cell_width=SMALL // 3)) for image in (visible, infrared)]
    gap = np.full((len(small[0]), GAP, 3), 255, np.uint8)
    return np.concatenate([small[0], gap, small[1]], axis=1)
