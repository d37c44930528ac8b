"""The command `convert.py backbone`: converts ImageNet weights to a file that `config.semantic.backbone` takes."""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from bilevel_jax.checkpoints.backbone import SUFFIXES, read_state_dict, write_backbone
from bilevel_jax.command_line import parse_flags
from bilevel_jax.errors import InputError
from bilevel_jax.models.imported import convert

USAGE = f"""python experiments/convert.py backbone --weights=FILE({"|".join(SUFFIXES)}) --out=FILE.safetensors
Converts ImageNet weights to a file for --config.semantic.backbone."""


def backbone_command(argv: Sequence[str]) -> None:
    """Converts the weights of a ResNet or a Mix Transformer and prints the flags to train with them."""

    def define(values: flags.FlagValues) -> None:
        text = "state dict of torchvision, NVlabs or Hugging Face"
        flags.DEFINE_string("weights", None, text, flag_values=values)
        flags.DEFINE_string("out", None, "file that receives the weights: NAME.safetensors", flag_values=values)

    values = parse_flags(define, argv, USAGE, required=["weights", "out"])
    if not values.out.endswith(".safetensors"):
        raise InputError(f"--out={values.out}; expected a file name that ends in .safetensors.")
    state, name = read_state_dict(values.weights), Path(values.weights).name
    backbone = convert(state, name)
    size = write_backbone(values.out, backbone.architecture, backbone.arrays, name)
    count = sum(array.size for array in backbone.arrays.values())
    print(f"{backbone.architecture}: {len(state)} arrays of {name} became {len(backbone.arrays)}, {count:,} parameters")
    print(f"{values.out} has {size / 1e6:.1f} MB. Train with these flags:")
    print(f"  {_options(backbone.architecture)} --config.semantic.backbone={values.out}")


def _options(architecture: str) -> str:
    if architecture.startswith("mit_"):
        return f"--config.semantic.network=segformer_{architecture.removeprefix('mit_')}"
    depth = architecture.removeprefix("resnet")
    options = {"norm": "frozen", "depth": depth, "width": 64, "stem_stride": 4}
    return " ".join(f"--config.semantic.{key}={value}" for key, value in options.items())
