"""Draws scenes.png: python docs/draw_scenes.py [--weights=FILE.safetensors]

Built-in scenes, which no weights of the package were trained on, as both cameras see them, fused by a Laplacian pyramid
and by the network that comes with the package.
"""

import argparse
from pathlib import Path

import numpy as np

from bilevel_jax.data.scenes.source import SceneSource
from bilevel_jax.images.color import fuse_color, luma
from bilevel_jax.images.trivial_fusion import laplacian
from bilevel_jax.inference import Fuser
from bilevel_jax.report.picture_sheet import Cell, picture_sheet

PLACE = Path(__file__).with_name("scenes.png")
SCENES = (0, 1, 2, 3)
TITLES = ("infrared", "visible", "Laplacian pyramid", "fused: bilevel_jax", "what is there")


def draw(path: Path, weights: str | None, scenes: tuple[int, ...] = SCENES) -> None:
    """A row for each of these held-out scenes, 240x320 pixels."""
    fuser = Fuser.from_weights(weights) if weights else Fuser.pretrained()
    source = SceneSource(max(scenes) + 1, height=240, width=320, offset=600)
    rows = []
    for index in scenes:
        record = source[index]
        ir, vis = (record[name].astype(np.float32) / 255 for name in ("ir", "vis"))
        plain = np.clip(fuse_color(laplacian(ir, luma(vis)), vis), 0, 1)
        there = Cell(record["vis"], boxes=record["boxes"], classes=record["classes"])
        rows.append([record["ir"], record["vis"], plain, fuser.fuse(record["ir"], record["vis"]), there])
    picture_sheet(rows, path, TITLES, class_names=source.class_names, cell_width=256)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", help="draw with these instead of the package's")
    parser.add_argument("--out", type=Path, default=PLACE)
    parser.add_argument("--scenes", type=int, nargs="+", default=SCENES, help="which, from 0 on")
    options = parser.parse_args()
    draw(options.out, options.weights, tuple(options.scenes))
