"""The local network with four tasks: appearance with a critic, a COCO detector, a fresh detector and a segmenter.

    python experiments/train.py --config=experiments/configs/heat_four_tasks.py:DIR,yolox_nano.onnx --workdir=RUN

DIR and the ONNX file are those of heat.py, and so are the data, the fusion network and the terms of appearance.

- `visual` also has a patch critic: it tells the fused image from well-exposed visible images with hot things in them.
- `semantic` is the YOLOX detector of heat.py, which never learns: the image has to suit a network that knows nothing
  of this project.
- `fcos` is a detector that learns on the fused images and starts afresh every 50 outer steps. So the image has to teach
  a new network quickly, and cannot come to terms with one that grew up beside it.
- `segmenter` learns label maps on the built-in scenes, because the real pairs have none. The scenes' boxes are not
  used: FCOS sees real objects alone. YOLOX's teacher looks at the scenes as at all pairs without boxes.

`outer_weight` brings the gradients of the two networks that learn to the length of the others. Without it, their norms
over the first steps are 3.1, 2.5, 6.8, 3.4, 1.2 (visual), 5.4, 1.8, 1.8, 4.1, 5.3 (semantic), 0.04, 0.13, 0.08, 0.19,
0.06 (fcos) and 0.06, 0.14, 0.04 (segmenter, in the three batches with a label map).

Two busy cores of a server CPU take 2 to 4 s a step (2026-11-28). After a quarter of the steps the pictures are 8.4 %
[1.4, 17.4] better than the maximum of both images before NanoDet (three seeds); without `fcos` 9.7 %, without
`semantic` 4.6 % (one seed). The weighting makes no certain difference (docs/results/local_heat.md). So heat.py has
fewer tasks.
"""

import runpy
from pathlib import Path

from ml_collections import ConfigDict

from bilevel_jax.training.config import task_block

HEAT = runpy.run_path(str(Path(__file__).with_name("heat.py")))
# The sizes are those of msrs_detector.py.
FCOS = {"task": "detection", "width": 16, "channels": 32, "head_convs": 1, "stem_stride": 2, "adversarial": 0.0}


def get_config(given: str = "") -> ConfigDict:
    config = HEAT["get_config"](given)
    config.data.mix = (*config.data.mix, ("scenes", "", 0.5, "labels"))
    config.data.height, config.data.width = 256, 320  # the scenes'; a crop has to fit into them
    config.visual.loss = "lsgan"
    config.visual.discriminator = "patch"
    config.visual.real = "exposed"
    config.visual.adversarial = 0.05
    config.tasks = ("visual", "semantic", "fcos", "segmenter")
    config.fcos = task_block(**FCOS, restart=50, outer_weight=20.0)
    config.segmenter = task_block(task="segmentation", depth=10, adversarial=0.0, outer_weight=40.0)
    config.bilevel.weighting = "random"
    config.inner.learning_rate = 2e-3
    config.inner.clip_norm = 5.0
    return config
