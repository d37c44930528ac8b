"""Four tasks at once on the built-in scenes: appearance, FCOS, a segmenter, and a fixed YOLOX that COCO taught.

    python experiments/train.py --config=experiments/configs/four_tasks.py:yolox_nano.onnx --workdir=DIR

The ONNX file is a YOLOX detector as its authors export it. It never learns: the fused image has to show it the objects.
Time and figures are not measured.
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config, task_block


def get_config(detector: str = "yolox_nano.onnx") -> ConfigDict:
    config = default_config()
    config.data.crop = (96, 128)  # the whole scene: a detector of COCO knows large objects in large pictures
    config.tasks = ("visual", "semantic", "segmenter", "yolox")
    config.semantic.task = "detection"
    config.semantic.depth = 10
    config.semantic.head_convs = 1
    config.segmenter = task_block(task="segmentation", depth=10)
    config.yolox = task_block(task="yolox", start=detector, trainable=False)
    config.rows.steps = 300
    config.rows.boundaries = (250,)
    config.rows.scales = (0.1,)
    return config
