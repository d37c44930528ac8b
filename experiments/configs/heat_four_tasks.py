"""The local network with four tasks: appearance with a critic, a COCO detector, a fresh detector and a segmenter.

    python experiments/train.py --config=experiments/configs/heat_four_tasks.py:DIR,yolox_nano.onnx --workdir=RUN

DIR and the ONNX file are those of heat.py, and so are the data, the fusion network and the terms of appearance.

- `visual` also has a patch critic: it tells the fused image from well-exposed visible images with hot things in them.
- `semantic` is the YOLOX detector of heat.py, which never learns: the image has to suit a network that knows nothing
  of this project.
- `fcos` is a detector that learns on the fused images and starts afresh every 50 outer steps. So the image has to teach
  a new network quickly, and cannot come to terms with one that grew up beside it.
- `segmenter` learns label maps on the built-in scenes, because the real pairs have none. The scenes' boxes are not
  used: detectors see real objects alone.

Time and figures are not measured.
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
    config.fcos = task_block(**FCOS, restart=50)
    config.segmenter = task_block(task="segmentation", depth=10, adversarial=0.0)
    config.bilevel.weighting = "random"
    config.inner.learning_rate = 2e-3
    config.inner.clip_norm = 5.0
    return config
