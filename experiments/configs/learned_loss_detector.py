"""A learned fusion loss on real pairs: a COCO detector that never learns teaches which fusion losses count.

    python experiments/train.py --config=experiments/configs/learned_loss_detector.py:DIR,yolox_nano.onnx --workdir=RUN

DIR and the ONNX file are those of heat.py, and so are the pairs, the fusion network and the detector. The fusion
network learns from the four losses of learned_loss.py alone. The detector's loss on other pairs moves their weights,
through two steps of the fusion network.

--config.learned_loss.form=map gives each pixel weights of its own, from both images; its small network needs a smaller
step: --config.learned_loss.learning_rate=2e-3.
--config.bilevel.estimator=ignore leaves the weights as they are given: the baseline.

Time and figures are in docs/results/learned_loss.md.
"""

import runpy
from pathlib import Path

from ml_collections import ConfigDict

HEAT, LEARNED = (
    runpy.run_path(str(Path(__file__).with_name(name)))["get_config"] for name in ("heat.py", "learned_loss.py")
)


def get_config(given: str = "") -> ConfigDict:
    config, learned = HEAT(given), LEARNED()
    config.visual = learned.visual
    config.visual.exposure = config.fusion.exposure
    config.learned_loss = learned.learned_loss
    config.bilevel = learned.bilevel
    config.steps = 300
    config.outer.boundaries = ()
    config.outer.scales = ()
    return config
