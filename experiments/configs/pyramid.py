"""The pyramid network on real pairs of four sets, for an image that keeps what both cameras see.

    python experiments/train.py --config=experiments/configs/pyramid.py:DIR

DIR holds msrs/ (ir/ vi/ boxes/ classes.txt train.txt val.txt), roadscene/, llvip/ and llvip_unlabelled/ (ir/ vi/). Val
and test of each set are not trained on. There is no bilevel part: the fusion network alone is trained on what
the measures of image fusion reward (information, edges, correlation, contrast), each against both sources. Two
augmentations keep the network from learning the cameras: `tone` remaps the levels of single images, and `swap` lets the
two images change places. A trial without them, and with larger crops, learnt which of these cameras has the better
coarse image. On pairs of other cameras it then dropped the better one.
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config


def get_config(root: str = "") -> ConfigDict:
    config = default_config()
    config.data.name = "folder"
    config.data.root = f"{root}/msrs" if root else ""
    config.data.mix = (
        ("folder", f"{root}/roadscene", 1.3, "images"),
        ("folder", f"{root}/llvip_unlabelled", 0.3, "images"),
        ("folder", f"{root}/llvip", 0.3, "images"),
    )
    config.data.crop = (160, 160)
    config.data.batch_size = 5
    config.data.brightness = 0.0
    config.data.tone = 0.4
    config.data.invert = 0.1
    config.data.swap = 0.3
    config.data.visible_gamma = 0.3
    config.fusion.name = "pyramid"
    config.visual.l1 = 0.0
    config.visual.ssim = 0.0
    config.visual.adversarial = 0.0
    config.visual.loss = "none"
    config.visual.vif = 2.4
    config.visual.qabf = 12.0
    config.visual.scd = 0.9
    config.visual.ssim_sources = 3.6
    config.visual.mutual_information = 7.0
    config.visual.entropy = 12.0
    config.visual.sharpness = 0.7
    config.visual.contrast = 2.0
    config.semantic.task = "none"
    config.semantic.adversarial = 0.0
    config.warm_start.learning_rate = 1.5e-3
    config.warm_start.warm_up_steps = 100
    config.warm_start.steps = 1_200
    config.warm_start.boundaries = (700, 900, 1_050)
    config.warm_start.scales = (0.5, 0.2, 0.05)
    config.warm_start.clip_norm = 1.0
    config.steps = 0
    config.rows.steps = 0
    return config
