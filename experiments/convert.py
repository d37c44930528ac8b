"""Copies parameters from and to other files.

python experiments/convert.py export --workdir=RUN --out=FILE.safetensors [--parts=fusion,discriminator,semantic,TASK]
python experiments/convert.py import --weights=FILE.safetensors --workdir=RUN
python experiments/convert.py backbone --weights=FILE.(safetensors|pth|pt|bin|npz) --out=FILE.safetensors
"""

import sys

from bilevel_jax.start import start

if __name__ == "__main__":
    sys.exit(start("bilevel_jax.commands.convert:convert_command"))
