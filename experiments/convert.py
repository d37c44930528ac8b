"""Copies parameters from and to other files, and writes ONNX models.

python experiments/convert.py export --workdir=RUN --out=FILE.safetensors [--parts=fusion,discriminator,semantic,TASK]
python experiments/convert.py import --weights=FILE.safetensors --workdir=RUN
python experiments/convert.py backbone --weights=FILE.(safetensors|pth|pt|bin|npz) --out=FILE.safetensors
python experiments/convert.py onnx --out=FILE.onnx [--weights=NAME_OR_FILE | --workdir=RUN] [--dtype=uint8|float32]
"""

import sys

from bilevel_jax.start import start

if __name__ == "__main__":
    sys.exit(start("bilevel_jax.commands.convert:convert_command"))
