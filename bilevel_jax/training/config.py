"""The configuration of a run: every key with its default, and the checks that name a wrong one."""

from typing import Any

from ml_collections import ConfigDict

from bilevel_jax.bilevel import WEIGHTINGS
from bilevel_jax.checkpoints.weights import PARTS
from bilevel_jax.command_line import config_keys, nearest_key
from bilevel_jax.data.builders import BUILDERS
from bilevel_jax.data.mixed_sets import check_mix
from bilevel_jax.data.splits import TEST_LIST
from bilevel_jax.errors import InputError
from bilevel_jax.images.saliency import METHODS
from bilevel_jax.losses.adversarial import FAMILIES
from bilevel_jax.losses.fusion import LEAST_SIDE, SOURCE_TERMS, TARGETS
from bilevel_jax.metrics.fusion import NINE
from bilevel_jax.models import SEMANTIC_NETWORKS
from bilevel_jax.models.fusion import VARIANTS
from bilevel_jax.models.normalisation import NORMS
from bilevel_jax.models.precision import DTYPES
from bilevel_jax.training.estimators import OPTIONS, check_estimator
from bilevel_jax.training.semantic_network import check_semantic

# They need weights from outside, or more tasks than fusion has.
NOT_FOR_TWO_TASKS = ("fixed", "krum", "trimmed_mean")
CHOICES = {
    "data.name": ("scenes", *BUILDERS),
    "data.saliency": tuple(METHODS),
    "dtype": DTYPES,
    "on_nan": ("stop", "skip"),
    "keep_best": ("", *NINE, "semantic"),
    "fusion.name": tuple(VARIANTS),
    "visual.loss": (*FAMILIES, "none"),
    "visual.target": tuple(TARGETS),
    "semantic.task": (*SEMANTIC_NETWORKS, "none"),
    "semantic.network": tuple(dict.fromkeys(name for names in SEMANTIC_NETWORKS.values() for name in names)),
    "semantic.norm": tuple(NORMS),
    "semantic.depth": (10, 18, 50),
    "semantic.stem_stride": (1, 2, 4),
    "bilevel.estimator": tuple(OPTIONS),
    "bilevel.weighting": tuple(name for name in WEIGHTINGS if name not in NOT_FOR_TWO_TASKS),
} | {f"{optimizer}.name": ("sgd", "adamw") for optimizer in ("warm_start", "outer", "inner", "rows")}


def _optimizer(name: str, learning_rate: float, **changes: Any) -> ConfigDict:
    """One optimizer: `sgd` (momentum, weight decay added to the gradient as the paper has it) or `adamw`."""
    return ConfigDict(
        dict(
            name=name,
            learning_rate=learning_rate,
            momentum=0.9,
            weight_decay=1e-4,
            warm_up_steps=0,  # linear from 0
            boundaries=(),  # steps of this optimizer at which the rate changes ...
            scales=(),  # ... and the factors of the base rate from there on
            clip_norm=0.0,  # global norm; 0 = no clipping
        )
        | changes
    )


def default_config() -> ConfigDict:
    """Every key that a run reads, with a value that works on the built-in scenes.

    Returns:
        A ConfigDict, unlocked. Lengths are in steps, sizes in pixels, learning rates per step.
    """
    config = ConfigDict()
    config.seed = 0

    config.data = ConfigDict()
    config.data.name = "scenes"  # scenes: the built-in world; folder: pairs under data.root; mfnet, msrs, fmb, ...
    config.data.root = ""  # folder: holds ir/ vi/ [saliency/] [labels/] [boxes/]; others: as unpacked, or prepared
    config.data.prepared_dir = ""  # where a download is prepared on first use; "" = ~/.cache/bilevel_jax
    config.data.train_split = ""  # prepared: "" = train; SPLIT_day and SPLIT_night are parts of a split
    config.data.validation_split = ""  # prepared: the split that chooses weights; "" = val, cut out where there is none
    config.data.test_split = ""  # prepared: the split that tables are about; "" = test, cut out where there is none
    config.data.classes = ()  # prepared: names of the class numbers in YOLO files that do not say them
    config.data.ignore_labels = ()  # prepared: names of label classes that are neither learnt nor counted
    config.data.allow_overlap = False  # prepared: take pairs that stand in two splits
    config.data.saliency = "histogram"  # histogram, spectral: how it is computed where the data has none
    config.data.train_list = "train.txt"  # folder: names of the training pairs, one a line
    config.data.validation_list = "val.txt"  # folder: names of the pairs that choose weights
    config.data.test_list = TEST_LIST  # folder: names of the pairs that tables are about; cut out where there is none
    config.data.test_share = 0.2  # of the training pairs, cut out where val or test is missing; 0 = val is reported
    config.data.infrared_range = ()  # (low, high) counts of raw thermal files; () = robust percentiles
    config.data.num_train = 400  # scenes
    config.data.num_validation = 100  # scenes
    config.data.num_test = 100  # scenes
    config.data.height = 96  # scenes
    config.data.width = 128  # scenes
    config.data.block = 20  # consecutive frames that stay together when inner and outer are parted
    config.data.crop = (96, 96)  # height, width
    config.data.batch_size = 8
    config.data.flip = True
    config.data.brightness = 0.1  # each modality's gain is drawn from 1 +- this
    config.data.scale = (1.0, 1.0)  # lowest and highest factor by which a sample is enlarged
    config.data.mosaic = 0.0  # share of samples put together of four
    config.data.misregistration = 0  # pixels by which infrared may be off, at most
    config.data.infrared_gain = 0.0  # the slope about the infrared image's mean is drawn from 1 +- this
    config.data.infrared_noise = 0.0  # standard deviation, at most; 1 = the full range
    config.data.visible_gamma = 0.0  # the exponent is drawn from exp(+- this)
    config.data.visible_color = 0.0  # each channel's factor is drawn from 1 +- this
    config.data.visible_glare = 0.0  # share of samples with a light that blinds the visible camera
    config.data.tone = 0.0  # share of images, each on its own, whose levels get another mean and slope
    config.data.invert = 0.0  # share of samples whose infrared image is black-hot
    config.data.swap = 0.0  # share of samples whose cameras change places; a semantic network sees them too
    config.data.mix = ()  # further sets: (name, root, weight[, "images"]) each; this one has the weight 1
    config.data.max_boxes = 32  # boxes are padded to the next multiple of this; none is dropped
    config.data.cache_mebibytes = 2048  # of decoded pairs in memory, of train, val and test each
    config.data.threads = 1  # that read, in this process
    config.data.workers = 0  # processes that read instead; 0 = none
    config.data.prefetch = 4  # batches made ahead

    config.fusion = ConfigDict()
    config.fusion.name = "tiny"  # tiny: 10,418 parameters; paper: 417,730; pyramid, pyramid_exposed: 37,193

    config.visual = ConfigDict()
    config.visual.loss = "lsgan"  # lsgan, hinge, wgan, wgan_gp; none: no discriminator
    config.visual.discriminator_stride = 4  # it scores every n-th pixel in both directions; 1 = all, the paper's
    config.visual.target = "saliency"  # saliency: t = m x + (1 - m) y; bright: t = y + m max(x - y, 0)
    config.visual.saliency_blur = 1.5  # pixels; histogram contrast turns noise into a noisy m; 0 = as it is
    config.visual.exposure = 1.0  # by which a dim infrared image is brightened for every visual term, at most
    config.visual.infrared_gain = 1.0  # of x in the target, clipped at 1: more than 1 for dim infrared images
    config.visual.l1 = 1.0
    config.visual.ssim = 1.1
    config.visual.intensity_max = 0.0  # to both sources, like the rest down to color; 0 = not computed at all
    config.visual.gradient_max = 0.0  # Sobel strength to that of the source of stronger edges
    config.visual.ssim_sources = 0.0
    config.visual.vif = 0.0  # 1 - VIF / 2; a crop of at least 41 x 41
    config.visual.qabf = 0.0  # 1 - Qabf
    config.visual.scd = 0.0  # 2 - SCD
    config.visual.contrast = 0.0  # standard deviation, local and of the whole, up to the stronger source's
    config.visual.mutual_information = 0.0  # of 64 soft grey levels, 1 - the share of what the sources hold
    config.visual.entropy = 0.0  # 1 - H(u) / 6 bits; rewards noise too
    config.visual.sharpness = 0.0  # 2 - SF and AG over those of the stronger source, each up to 1.25
    config.visual.color = 0.0  # chroma that is lost where the coloured image is clipped
    config.visual.adversarial = 0.5  # a_adv: weight of G in F_visual

    config.semantic = ConfigDict()
    config.semantic.task = "segmentation"  # detection, segmentation, none
    config.semantic.network = ""  # "": FCOS or the small segmenter; segmentation: deeplab, segformer_b0 ... _b3 too
    config.semantic.backbone = ""  # file of convert.py backbone: ImageNet weights that the semantic network starts from
    config.semantic.norm = "group"  # of a ResNet: group; frozen: by the constants of `backbone`, which has to be given
    config.semantic.depth = 18  # ResNet-10, -18 or -50; SegFormer has no use for depth, width and stem_stride
    config.semantic.width = 16  # channels of its first stage; 64 in the paper
    config.semantic.channels = 32  # of the FPN and the head; 256 in the paper
    config.semantic.head_convs = 2  # detection: convolutions of each FCOS tower; 4 in the paper
    config.semantic.stem_stride = 2  # of the backbone: 4 in the paper, 2 or 1 for small pictures
    config.semantic.adversarial = 0.01  # weight of G in F_semantic
    config.semantic.dice = 0.0  # segmentation: weight of the Dice loss beside cross-entropy
    config.semantic.lovasz = 0.0  # segmentation: weight of the Lovasz-softmax loss
    config.semantic.class_weights = ()  # segmentation: one weight a class; () = all 1

    config.bilevel = ConfigDict()
    config.bilevel.estimator = "one_step"  # training/estimators.py says which key below each one reads
    config.bilevel.correction = 0.0  # 1 = the theory, 0 = drop it, -eta = as released
    config.bilevel.damping = 0.0  # absolute, added to <f_v, f_v> or to f_vv
    config.bilevel.relative_damping = 0.0  # delta: damping = delta |F_v|^2; empirical_fisher: delta mean |f_v^i|^2
    config.bilevel.solve_steps = 1  # gradient steps on, or iterations with, the inner loss
    config.bilevel.solve_rate = 0.01  # of these steps
    config.bilevel.multiplier = 10.0  # value_function: lambda
    config.bilevel.single_level = False  # both networks at every step, on one batch and the sum of all losses
    config.bilevel.weighting = "random"  # random, equal: one pull for all tasks; mgda, upgrad, ...: one each
    config.bilevel.outer_every = 10  # inner steps per outer step

    config.initial = ConfigDict()
    # A new run starts from the parameters of another: its folder, or a file of convert.py export or downstream.py
    # --save, or pretrained[:NAME]; of several, separated by commas, each network from the first that holds it.
    config.initial.run = ""
    config.initial.parts = ("fusion", "discriminator", "semantic")  # which networks; the table's rows start so too
    config.warm_start = _optimizer("adamw", 2e-3)  # fusion network alone on the visual losses, no adversary
    config.warm_start.steps = 200
    config.outer = _optimizer("adamw", 5e-4)  # fusion network on the aggregated hypergradient
    config.inner = _optimizer("adamw", 1e-3)  # discriminator and semantic network
    config.steps = 600  # inner steps after the warm start

    config.rows = _optimizer("adamw", 2e-3)  # the fresh semantic networks of the table
    config.rows.steps = 400  # 0 = no table at the end of training
    config.rows.batch_size = 8

    config.dtype = "float32"  # of the networks' inside; parameters, losses and Gramians are float32 in any case
    config.remat = False  # the fusion network's blocks are computed again on the way back: less memory, more time
    config.accumulate = 1  # a step's batch in so many parts, one after another; rho and means are those of a part
    config.fsdp = 1  # devices that share one copy of the state; 1 = each has its own
    config.on_nan = "stop"  # stop, or skip: such a step changes nothing, and ten in a row stop the run

    config.log_every = 1
    config.log_gradients_every = 0  # per-task norms and cosines of the hypergradients: extra pulls; 0 = never
    config.checkpoint_every = 200
    config.sheet_every = 200
    config.keep_checkpoints = 2
    config.validate_every = 0  # pairs of val are fused and measured, and the semantic network is tried; 0 = never
    config.validate_pairs = 32  # of val, spread evenly; 0 = all
    config.keep_best = ""  # VIF, Qabf, SSIM, ... or semantic (AP50, mIoU): the best checkpoint by it stays, and is read
    return config


def former_config() -> ConfigDict:
    """What a run did by the keys that did not exist yet when it was written: the defaults, but no test was cut out."""
    config = default_config()
    config.data.test_share = 0.0
    return config


def completed(config: ConfigDict) -> ConfigDict:
    """A run's configuration with `former_config` for the keys that did not exist yet when it was written."""
    config = ConfigDict(config)

    def fill(given: ConfigDict, default: ConfigDict) -> None:
        for key, value in default.items():
            if key not in given:
                given[key] = value
            elif isinstance(value, ConfigDict):
                fill(given[key], value)

    with config.unlocked():
        fill(config, former_config())
    return config


def check_config(config: ConfigDict) -> ConfigDict:
    """Returns `config` locked, or names the key that is wrong.

    Raises:
        InputError: a key that does not exist (the nearest is named), one that is missing, or a value out of its range.
    """
    known, given = config_keys(default_config()), config_keys(config)
    for key in given:
        if key not in known:
            raise InputError(f"config.{key} does not exist" + nearest_key(key, known))
    for key in known:
        if key not in given:
            raise InputError(f"config.{key} is missing: a config starts from bilevel_jax.training.default_config().")
    for key, values in CHOICES.items():
        _expect(config, key, _get(config, key) in values, f"one of {', '.join(str(v) or repr(v) for v in values)}")
    if config.data.name != "scenes":
        held = "ir/ and vi/" if config.data.name == "folder" else f"{config.data.name} as unpacked or prepared"
        _expect(config, "data.root", bool(config.data.root), f"the folder that holds {held} (--config.data.root=DIR)")
    crop = tuple(config.data.crop)
    _expect(config, "data.crop", len(crop) == 2 and min(crop) >= 32, "(height, width), each at least 32 pixels")
    if config.visual.vif > 0:
        _expect(config, "data.crop", min(crop) >= LEAST_SIDE, f"at least {LEAST_SIDE} pixels a side for visual.vif")
    scale = tuple(config.data.scale)
    _expect(config, "data.scale", len(scale) == 2 and 0 < scale[0] <= scale[1], "(lowest, highest), both above 0")
    _expect(config, "data.test_share", 0 <= config.data.test_share <= 0.5, "from 0 (no test) to 0.5")
    if not config.data.test_share:
        _expect(config, "data.test_split", not config.data.test_split, "'' where config.data.test_share is 0")
    for key in ("mosaic", "visible_glare", "brightness", "infrared_gain", "visible_color", "tone", "invert", "swap"):
        _expect(config, f"data.{key}", 0 <= config.data[key] <= 1, "from 0 to 1")
    if config.keep_best:
        _expect(config, "validate_every", config.validate_every > 0, "at least 1 where config.keep_best is given")
    if config.semantic.task == "none":
        _expect(config, "keep_best", config.keep_best != "semantic", "a fusion measure where there is no semantic task")
    known = set(config.initial.parts) <= set(PARTS) and len(config.initial.parts) > 0
    _expect(config, "initial.parts", known, f"some of {', '.join(PARTS)}")
    check_mix(config.data.mix, CHOICES["data.name"])
    _expect(config, "data.infrared_range", len(config.data.infrared_range) in (0, 2), "() or (low, high)")
    positive = [
        "data.batch_size",
        "data.num_test",
        "data.block",
        "data.max_boxes",
        "bilevel.outer_every",
        "bilevel.solve_steps",
        "log_every",
        "rows.batch_size",
    ]
    positive += ["accumulate", "fsdp", "keep_checkpoints", "checkpoint_every"]
    positive += ["visual.exposure", "visual.discriminator_stride"]
    not_negative = ["steps", "warm_start.steps", "rows.steps", "sheet_every", "log_gradients_every", "bilevel.damping"]
    not_negative += ["visual.saliency_blur", "visual.infrared_gain", "bilevel.relative_damping", "data.misregistration"]
    not_negative += [f"data.{k}" for k in ("infrared_noise", "visible_gamma", "threads", "workers", "prefetch")]
    not_negative += ["validate_every", "validate_pairs"]
    not_negative += ["data.cache_mebibytes", "semantic.adversarial", "semantic.dice", "semantic.lovasz"]
    not_negative += [f"visual.{term}" for term in ("l1", "ssim", "adversarial", "color", *SOURCE_TERMS)]
    not_negative += [f"{o}.learning_rate" for o in ("warm_start", "outer", "inner", "rows")]
    for key in positive:
        _expect(config, key, _get(config, key) >= 1, "at least 1")
    for key in not_negative:
        _expect(config, key, _get(config, key) >= 0, "at least 0")
    for key in ("bilevel.solve_rate", "bilevel.multiplier"):
        _expect(config, key, _get(config, key) > 0, "more than 0")
    for key in ("visual.adversarial", "semantic.adversarial"):
        unread = config.visual.loss == "none" and _get(config, key)
        _expect(config, key, not unread, "0.0 where config.visual.loss is none, without a discriminator")
    check_estimator(config, default_config())
    check_semantic(config)
    for name in ("warm_start", "outer", "inner", "rows"):
        same = len(config[name].boundaries) == len(config[name].scales)
        _expect(config, f"{name}.scales", same, f"as many as {name}.boundaries")
    return config.lock()


def _get(config: ConfigDict, key: str) -> Any:
    for part in key.split("."):
        config = config[part]
    return config


def _expect(config: ConfigDict, key: str, holds: bool, expected: str) -> None:
    if not holds:
        raise InputError(f"config.{key} is {_get(config, key)!r}; expected {expected}.")
