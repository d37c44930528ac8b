"""The local network with a COCO detector in the loop: pictures for detectors that nobody here trained, and for eyes.

    python experiments/train.py --config=experiments/configs/heat.py:DIR,yolox_nano.onnx --workdir=RUN

DIR holds msrs/ (ir/ vi/ boxes/ classes.txt train.txt val.txt), llvip/ (ir/ vi/ boxes/ classes.txt), roadscene/ and
llvip_unlabelled/ (ir/ vi/). Val and test of each set are not trained on. The ONNX file is a YOLOX detector as its
authors export it. It never learns: the fused image has to show it the objects.

The network starts as a local `heat_replace` (`models/fusion/local_heat.py`). Within MSRS, people and cars are drawn
equally often, because its pairs hold three times as many people. Pairs without boxes get the detector's own, from both
cameras, and those of LLVIP its boxes of what LLVIP does not mark. The built-in scenes take part, for cars that only
the infrared camera sees. The visual task asks for what the measures of appearance ask for, and, at a small weight, for
the measures of image fusion.
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config


def get_config(given: str = "") -> ConfigDict:
    root, _, detector = given.partition(",")
    config = default_config()
    config.data.name = "folder"
    config.data.root = f"{root}/msrs" if root else ""
    config.data.mix = (
        ("folder", f"{root}/llvip", 0.5, "partial"),
        ("folder", f"{root}/roadscene", 0.35, "images"),
        ("folder", f"{root}/llvip_unlabelled", 0.15, "images"),
        ("scenes", "", 0.4),
    )
    config.data.height, config.data.width = 256, 320  # of the built-in scenes
    config.data.crop = (256, 256)
    config.data.scale = (1.0, 1.45)
    config.data.batch_size = 4
    config.data.balance = 1.0
    config.data.balance_classes = ("person", "car")
    config.data.brightness = 0.0
    config.data.visible_gamma = 0.3
    config.data.infrared_gain = 0.25
    config.data.infrared_noise = 0.01
    config.fusion.name = "local_heat"
    config.fusion.exposure = 4.0
    config.fusion.exposure_jitter = 0.3
    config.fusion.strength = 0.9
    config.visual.loss = "none"
    config.visual.exposure = 4.0
    config.visual.l1 = 0.0
    config.visual.ssim = 0.0
    config.visual.adversarial = 0.0
    config.visual.daylight = 0.25
    config.visual.white = 90.0
    config.visual.grain = 5.0
    config.visual.object_contrast = 3.0
    config.visual.halo = 40.0
    config.visual.vif = 0.144  # from here on the objective of pyramid.py times 0.06
    config.visual.qabf = 0.72
    config.visual.scd = 0.054
    config.visual.ssim_sources = 0.216
    config.visual.mutual_information = 0.42
    config.visual.entropy = 0.72
    config.visual.sharpness = 0.042
    config.visual.contrast = 0.12
    config.semantic.task = "yolox"
    config.semantic.start = detector or "yolox_nano.onnx"
    config.semantic.trainable = False
    config.semantic.teacher = "unlabelled"
    config.semantic.adversarial = 0.0
    config.warm_start.steps = 0
    config.bilevel.weighting = "equal"
    config.bilevel.outer_every = 1
    config.outer.learning_rate = 2e-3
    config.outer.warm_up_steps = 30
    config.outer.boundaries = (210, 360, 440)
    config.outer.scales = (0.5, 0.2, 0.05)
    config.outer.clip_norm = 1.0
    config.steps = 500
    config.rows.steps = 0
    config.log_every = 5
    config.sheet_every = 200
    return config
