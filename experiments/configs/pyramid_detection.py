"""The pyramid network with a detector as a learnable constraint: people come out, and the measures stay good.

    python experiments/downstream.py --config=experiments/configs/msrs_detector.py:pretrain --data=DIR/msrs \\
        --inputs=ir,vi,average,max,laplacian --matched --seeds=0 --save=START.safetensors --out=OUT
    python experiments/train.py --config=experiments/configs/pyramid_detection.py:DIR \\
        --config.initial.run=pretrained:measures,START.safetensors

DIR holds the folders of pyramid.py. Both networks start trained. The fusion network starts from the weights
`pretrained:measures`, which pyramid.py makes. The detector starts from the first command's network, trained on five
kinds of input mixed. The visual loss is pyramid.py's times 0.03. With the whole loss its gradient is six times as long
as the detector's (norms 9 and 1.4 after 60 steps), and people stay as faint as they were. Dim infrared images are
brightened up to 4 times (`images/exposure.py`), both for the network and in the visual loss. Without that, AP50 on the
58 MSRS val pairs is 32.1 % instead of 38.3 (seed 0; 2 cores of a server CPU, 2026-11-23).

The weights `measures` and `detector` were trained on pairs that are test now. For test figures train pyramid.py anew
and start from that run.
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config


def get_config(root: str = "") -> ConfigDict:
    config = default_config()
    config.data.name = "folder"
    config.data.root = f"{root}/msrs" if root else ""
    config.data.mix = (
        ("folder", f"{root}/roadscene", 0.6, "images"),
        ("folder", f"{root}/llvip_unlabelled", 0.15, "images"),
        ("folder", f"{root}/llvip", 0.15, "images"),
    )
    config.data.crop = (160, 160)
    config.data.batch_size = 5
    config.data.brightness = 0.0
    config.data.tone = 0.1
    config.data.visible_gamma = 0.3
    config.fusion.name = "pyramid_exposed"
    config.visual.target = "bright"  # the discriminator's real image
    config.visual.exposure = 4.0
    config.visual.saliency_blur = 2.0
    config.visual.l1 = 0.0
    config.visual.ssim = 0.0
    config.visual.adversarial = 0.05
    config.visual.vif = 0.072
    config.visual.qabf = 0.36
    config.visual.scd = 0.027
    config.visual.ssim_sources = 0.108
    config.visual.mutual_information = 0.21
    config.visual.entropy = 0.36
    config.visual.sharpness = 0.021
    config.visual.contrast = 0.06
    config.semantic.task = "detection"  # sizes as in msrs_detector.py
    config.semantic.width = 16
    config.semantic.channels = 32
    config.semantic.head_convs = 1
    config.semantic.stem_stride = 2
    config.warm_start.steps = 0
    config.bilevel.outer_every = 1
    config.outer.learning_rate = 1e-3
    config.outer.warm_up_steps = 20
    config.outer.boundaries = (400, 520)
    config.outer.scales = (0.4, 0.1)
    config.outer.clip_norm = 1.0
    config.inner.learning_rate = 5e-4
    config.inner.clip_norm = 5.0
    config.steps = 600
    config.rows.steps = 0
    config.log_every = 2
    config.sheet_every = 200
    return config
