"""Draws scenes.png: python docs/draw_scenes.py [--weights=FILE.safetensors]

The picture shows built-in scenes as both cameras see them, fused by a Laplacian pyramid, and fused by the package's own
network. No weights of the package were trained on these scenes.
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
    """Draws one row for each scene, at 240 x 320 pixels.

    Args:
        path: the picture.
        weights: a file of weights to fuse with; None = the package's.
        scenes: which of the scenes, from 0 on.
    """
    fuser = Fuser.from_weights(weights) if weights else Fuser.pretrained()
    source = SceneSource(max(scenes) + 1, height=240, width=320, offset=600)
    rows = []
    for index in scenes:
        sample = source[index]
        ir, vis = sample["ir"].astype(np.float32) / 255, sample["vis"].astype(np.float32) / 255
        plain = np.clip(fuse_color(laplacian(ir, luma(vis)), vis), 0, 1)
        truth = Cell(sample["vis"], boxes=sample["boxes"], classes=sample["classes"])
        rows.append([sample["ir"], sample["vis"], plain, fuser.fuse(sample["ir"], sample["vis"]), truth])
    picture_sheet(rows, path, TITLES, class_names=source.class_names, cell_width=256)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", help="file of weights to fuse with (default: the package's)")
    parser.add_argument("--out", type=Path, default=PLACE)
    parser.add_argument("--scenes", type=int, nargs="+", default=SCENES, help="which scenes, from 0 on")
    options = parser.parse_args()
    draw(options.out, options.weights, tuple(options.scenes))
