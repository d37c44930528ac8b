"""The schedule and the sizes of Liu et al., IJCAI 2023, on a folder of pairs with boxes.

    python experiments/train.py --config=experiments/configs/paper.py --config.data.root=DIR

Fusion network of 417,730 parameters, FCOS with ResNet-50; SGD with momentum 0.9 and weight decay 1e-4, learning rate
2e-4 with 1,000 warm-up steps, x 0.1 at 30,000 and x 0.01 at 40,000; an outer step at every 10th; random weighting.
It departs from the paper in four points: the correction is damped relative to |F_v|^2 (with
config.bilevel.relative_damping=0 it is the theory as printed), the adversarial loss is least squares, normalisation is
GroupNorm, and inner and outer pairs are disjoint. It needs an accelerator. Time and figures: not measured.

The detector starts from random parameters. FCOS is usually trained from ImageNet weights with frozen batch
normalisation. To start its ResNet-50 like that, convert torchvision's file once and name it:

    python experiments/convert.py backbone --weights=resnet50.pth --out=resnet50.safetensors
    python experiments/train.py --config=experiments/configs/paper.py --config.data.root=DIR \\
        --config.semantic.norm=frozen --config.semantic.backbone=resnet50.safetensors

For label maps (--config.semantic.task=segmentation), --config.semantic.network=deeplab is DeepLabV3+ on the same
ResNet. segformer_b0 to segformer_b3 are SegFormers, which start from a converted MiT file and have no `norm`. The
released SegFormers have --config.semantic.channels=256 (b0, b1) or 768 (b2, b3).
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config


def get_config() -> ConfigDict:
    config = default_config()
    config.data.name = "folder"
    config.data.crop = (256, 256)
    config.data.batch_size = 4
    config.fusion.name = "paper"
    config.visual.discriminator_stride = 1
    config.visual.saliency_blur = 0.0
    config.semantic.task = "detection"
    config.semantic.depth = 50
    config.semantic.width = 64
    config.semantic.channels = 256
    config.semantic.head_convs = 4
    config.semantic.stem_stride = 4
    config.semantic.norm = "group"  # frozen, with ...
    config.semantic.backbone = ""  # ... the converted ImageNet weights
    config.bilevel.correction = 1.0
    config.bilevel.relative_damping = 1.0
    config.warm_start.steps = 10_000
    config.warm_start.learning_rate = 1e-4
    for name in ("outer", "inner"):
        optimizer = config[name]
        optimizer.name = "sgd"
        optimizer.learning_rate = 2e-4
        optimizer.warm_up_steps = 1_000 if name == "inner" else 100
        optimizer.boundaries = (30_000, 40_000) if name == "inner" else (3_000, 4_000)
        optimizer.scales = (0.1, 0.01)
    config.steps = 50_000
    config.rows.steps = 20_000
    config.checkpoint_every = 1_000
    config.sheet_every = 1_000
    config.log_gradients_every = 1_000
    return config
