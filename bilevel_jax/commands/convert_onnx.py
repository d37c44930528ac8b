"""The command `convert.py onnx`: writes a fusion network, with all that the Fuser does around it, as one ONNX file."""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from bilevel_jax.command_line import define_checkpoint_flag, parse_flags
from bilevel_jax.errors import InputError
from bilevel_jax.images.color_methods import COLOR_METHODS
from bilevel_jax.inference.fuser import Fuser
from bilevel_jax.inference.pretrained import DEFAULT, weights_file
from bilevel_jax.serving.onnx_export import load_export

TYPES = ("uint8", "float32")
USAGE = f"""python experiments/convert.py onnx --out=FILE.onnx [--weights=NAME_OR_FILE | --workdir=RUN]
    [--color=NAME] [--dtype={"|".join(TYPES)}]

Writes a network as an ONNX file for images of any size, for onnxruntime and others. The file holds exposure, network
and colour."""


def onnx_command(argv: Sequence[str]) -> None:
    """Writes the file and prints its size.

    Raises:
        InputError: bad usage, the package onnx is missing, or the network cannot be exported.
    """
    values = parse_flags(_define, argv, USAGE, required=["out"])
    if not values.out.endswith(".onnx"):
        raise InputError(f"--out={values.out}; expected a file name that ends in .onnx.")
    if values.workdir and values.weights:
        raise InputError("--workdir and --weights are both given; expected one network.")
    export_onnx = load_export()
    if values.workdir:
        fuser, source = Fuser.from_workdir(values.workdir, values.checkpoint), Path(values.workdir).name
    else:
        path = weights_file(values.weights or None)
        fuser, source = Fuser.from_weights(path), path.stem
    fuser = fuser.with_color(values.color)
    size = export_onnx(fuser, values.out, values.dtype, {"weights": source})
    print(f"{source} with the colour {fuser.color}, for {values.dtype} images, in {values.out}: {size / 1e6:.2f} MB")


def _define(values: flags.FlagValues) -> None:
    flags.DEFINE_string("out", None, "file that receives the model: NAME.onnx", flag_values=values)
    text = f"NAME.safetensors of convert.py export, or the name of weights of the package (default: {DEFAULT})"
    flags.DEFINE_string("weights", None, text, flag_values=values)
    flags.DEFINE_string("workdir", None, "folder of a training run", flag_values=values)
    define_checkpoint_flag(values)
    text = "colour of the fused images (default: the network's own)"
    flags.DEFINE_enum("color", None, list(COLOR_METHODS), text, flag_values=values)
    flags.DEFINE_enum("dtype", TYPES[0], list(TYPES), "type of the images that the model takes", flag_values=values)
