"""The command fuse.py, which is also the console command bilevel-fuse: fuses pairs of image files."""

import math
from collections.abc import Sequence

from absl import flags

from bilevel_jax.checkpoints import load_run
from bilevel_jax.command_line import define_checkpoint_flag, parse_flags
from bilevel_jax.commands.fuse_alignment import alignment_of, define_alignment_flags
from bilevel_jax.commands.fuse_video import define_video_flags, fuse_video_command, is_video
from bilevel_jax.errors import InputError
from bilevel_jax.images.color_methods import COLOR_METHODS, DEFAULT_COLOR
from bilevel_jax.images.trivial_fusion import TRIVIAL_METHODS
from bilevel_jax.inference.folder import EACH_IMAGE, FORMATS, WHOLE_FOLDER, fuse_pairs, output_files
from bilevel_jax.inference.fuser import Fuser
from bilevel_jax.inference.image_fuser import ImageFuser
from bilevel_jax.inference.method_names import EXPOSED, METHOD_OPTIONS
from bilevel_jax.inference.pair_size import NO_RESIZE, RESIZE
from bilevel_jax.inference.pairing import FoundPairs, read_pair_table, search_pairs
from bilevel_jax.inference.pretrained import pretrained_names, weights_file
from bilevel_jax.inference.trivial import TrivialFuser

USAGE = """bilevel-fuse --ir=DIR_OR_FILE --vis=DIR_OR_FILE --out=DIR [--workdir=DIR | --weights=NAME | --method=RULE]
    [--color=NAME] [--strength=NUMBER] [--exposure=image|folder|NUMBER] [--resize=infrared|visible]
    [--align=translation|similarity|affine|homography] [--transform=FILE.json] [--align_on=N] [--untrusted=NAME]
    [--recursive] [--pairs=FILE.csv] [--dry_run] [--skip_existing]

bilevel-fuse --ir=IR.mp4 --vis=VIS.mp4 --out=FUSED.mp4 [--offset=SECONDS] [--fps=NUMBER] [...]

Fuses infrared and visible images, matched by name, into OUT/NAME.png. Names may differ by the camera's
suffix (x_T and x_V), and one folder given twice may hold both cameras. A bad pair does not stop the others.
Videos are matched by time, and folders of numbered pictures become a video where --out names one.
A fused image has the size, the bit depth and the colour of its visible image. Without further flags the network that
comes with the package fuses. To use your own network pass --workdir=RUN, or --weights=FILE with weights exported by
convert.py export."""


def fuse_command(argv: Sequence[str]) -> None:
    """Fuses the pairs that the command line names."""
    values = parse_flags(_define, argv, USAGE)
    given = [name for name in ("workdir", "weights", "method") if values[name].value]
    if len(given) > 1:
        raise InputError(f"--{given[0]} and --{given[1]} are both given; expected one network or one method.")
    infrared_range, visible_range = (_range(values, f"{camera}_range") for camera in ("infrared", "visible"))
    exposure = _exposure(values)
    if is_video(values):
        fuser = None if values.dry_run else _fuser(values)
        whole = None if values.exposure is None else exposure
        fuse_video_command(fuser, values, whole, infrared_range, visible_range)
        return
    found = _pairs(values)
    if values.dry_run:
        _print_pairs(found, values)
        return
    if not values.out:
        raise InputError("--out is missing; expected a folder for the fused images.")
    fuse_pairs(
        _fuser(values),
        found.pairs,
        values.out,
        alone=found.alone,
        suffix=values.format,
        infrared_range=infrared_range,
        visible_range=visible_range,
        exposure=exposure,
        resize=values.resize,
        alignment=alignment_of(values, found.pairs, infrared_range, visible_range),
        skip_existing=values.skip_existing,
    )


def _print_pairs(found: FoundPairs, values: flags.FlagValues) -> None:
    targets = output_files(found.pairs, values.out, values.format) if values.out else {}
    for name, (infrared, visible) in found.pairs.items():
        print(f"{infrared} + {visible} -> {targets.get(name, name)}")
    print(f"{len(found.pairs)} pair(s); nothing was fused", flush=True)
    if found.alone:
        raise InputError("\n  ".join(found.alone))


def _pairs(values: flags.FlagValues) -> FoundPairs:
    if values.pairs is not None:
        for name in ("ir", "vis"):
            if values[name].value is not None:
                raise InputError(f"--pairs and --{name} are both given; expected --pairs alone, or --ir and --vis.")
        if values.recursive:
            raise InputError("--pairs and --recursive are both given; expected one of them.")
        return read_pair_table(values.pairs)
    for name in ("ir", "vis"):
        if not values[name].value:
            raise InputError(f"--{name} is missing; expected --ir and --vis, or --pairs=FILE.csv.")
    return search_pairs(values.ir, values.vis, recursive=values.recursive, without=values.out)


def _fuser(values: flags.FlagValues) -> ImageFuser:
    return _colored(values).with_strength(values.strength)


def _colored(values: flags.FlagValues) -> ImageFuser:
    if not values.method:
        return _network(values).with_color(values.color)
    fuser = TrivialFuser(values.method)
    if values.color is None:
        return fuser
    if fuser.color not in (DEFAULT_COLOR, values.color):
        raise InputError(
            f"--method={values.method} and --color={values.color} name two colours; expected the same or one of them."
        )
    return fuser.with_color(values.color)


def _network(values: flags.FlagValues) -> Fuser:
    if values.workdir:
        config, state = load_run(values.workdir, values.checkpoint)
        print(f"Fusing with step {int(state['step'])} of {values.workdir}", flush=True)
        return Fuser.from_run(config, state)
    return _from_weights(values.weights)


def _from_weights(given: str | None) -> Fuser:
    if given is None and not pretrained_names():
        raise InputError(
            "--workdir is missing: no pretrained weights are installed; expected the folder of a training run "
            f"(train.py --workdir=DIR), or --method with one of {', '.join(TRIVIAL_METHODS)}."
        )
    path = weights_file(given)
    fuser = Fuser.from_weights(path)
    card = path.with_suffix(".md")
    about = f"; their model card is {card}" if card.exists() else ""
    print(f"Fusing with the weights {path.stem}{about}", flush=True)
    return fuser


def _define(values: flags.FlagValues) -> None:
    text = {
        "ir": "the infrared image, the folder of infrared images, or a pattern such as 'DIR/*_T.JPG'",
        "vis": "the visible image, the folder of visible images, or a pattern; the folder of --ir if it holds both",
        "pairs": "CSV file of pairs in place of --ir and --vis, with lines infrared,visible or infrared,visible,name; "
        "its paths are relative to its folder",
        "out": "folder that receives the fused images; for one pair also a file such as fused.png",
        "workdir": "folder of a training run whose network fuses",
        "weights": "NAME.safetensors of convert.py export, or the name of weights that come with the package",
    }
    for name, meaning in text.items():
        flags.DEFINE_string(name, None, meaning, flag_values=values)
    define_checkpoint_flag(values)
    define_video_flags(values)
    rules = "; ".join(f"{name}: {rule.help}" for name, rule in TRIVIAL_METHODS.items())
    flags.DEFINE_string("method", None, f"a rule without a network ({METHOD_OPTIONS}): {rules}", flag_values=values)
    colors = "; ".join(f"{name}: {method.help}" for name, method in COLOR_METHODS.items())
    flags.DEFINE_enum(
        "color",
        None,
        list(COLOR_METHODS),
        f"colour of the fused images (default: the network's own, and {DEFAULT_COLOR} for a rule). {colors}",
        flag_values=values,
    )
    flags.DEFINE_float(
        "strength",
        None,
        "share of the change of the visible luminance that is shown, from 0 to 1: less is closer to the visible image "
        "(default: the network's own, and 1 for a rule)",
        flag_values=values,
    )
    flags.DEFINE_string(
        "exposure",
        None,
        f"gain of dim infrared images before a network that was trained with fusion.exposure. {EACH_IMAGE} (the "
        f"default): each image's own, measured; {WHOLE_FOLDER}: the median of all images, so that pictures of one rig "
        "or of one video stay alike; a number: this gain",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "format",
        None,
        FORMATS,
        "file format of the fused images (default: png, or that of the file --out)",
        case_sensitive=False,
        flag_values=values,
    )
    flags.DEFINE_enum(
        "resize",
        NO_RESIZE,
        RESIZE,
        "which image takes the size of the other where the two of a pair differ in size; both must show the same view",
        flag_values=values,
    )
    define_alignment_flags(values)
    switches = {
        "recursive": "search the folders in the folders too; folders named ir, vi, thermal, rgb, ... say the camera",
        "dry_run": "print the pairs and the files that would be written, and fuse nothing; --out may be left out",
        "skip_existing": "leave out pairs whose fused file exists, to continue a folder",
    }
    for name, meaning in switches.items():
        flags.DEFINE_boolean(name, False, meaning, flag_values=values)
    ranges = {
        "infrared_range": "what becomes black and white in an infrared file, in its own unit: raw counts, degrees of a "
        "file of temperatures, degrees Celsius of FLIR's JPEG (default: percentiles of each image, if it is not a "
        "finished picture)",
        "visible_range": "the levels of 16-bit visible files that become black and white, such as 0,4095 for 12 bits "
        "(default: an image that uses at most 8, 10 or 12 bits is taken as one of 8, 10 or 12 bits)",
    }
    for name, meaning in ranges.items():
        flags.DEFINE_list(name, None, f"LOW,HIGH: {meaning}", flag_values=values)


def _exposure(values: flags.FlagValues) -> str | float:
    given = values.exposure
    if given is None:
        return EACH_IMAGE
    if values.method:
        raise InputError(
            f"--exposure={given} and --method={values.method} are both given; expected --exposure with a network, or "
            f"a rule with the option +{EXPOSED}."
        )
    if given in (EACH_IMAGE, WHOLE_FOLDER):
        return given
    try:
        gain = float(given)
    except ValueError:
        gain = math.nan
    if not 0 < gain < math.inf:
        raise InputError(f"--exposure={given} is no gain; expected {EACH_IMAGE}, {WHOLE_FOLDER} or a positive number.")
    return gain


def _range(values: flags.FlagValues, flag: str) -> tuple[float, float] | None:
    given = values[flag].value
    if given is None:
        return None
    try:
        low, high = (float(number) for number in given)
    except ValueError:
        raise InputError(f"--{flag}={','.join(given)} is no range; expected two numbers LOW,HIGH.") from None
    if not -math.inf < low < high < math.inf:
        raise InputError(f"--{flag}={','.join(given)} is no range; expected LOW below HIGH.")
    return low, high
