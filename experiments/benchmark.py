"""Measures what things cost: a training step, the core, data, metrics, serving, an ONNX file, alignment, or a GPU.

python experiments/benchmark.py --config=FILE.py [--config.a.b=value]
python experiments/benchmark.py core [--networks=0.4M,30M] [--tasks=2,8] [--out=FILE.md]
python experiments/benchmark.py pipeline --data=DIR [--crop=256,256] [--batch_size=8]
python experiments/benchmark.py metrics [--size=480,640]
python experiments/benchmark.py serving [--weights=NAME] [--size=480,640] [--threads=2]
python experiments/benchmark.py imported --file=FILE.onnx [--batches=1,4,8] [--size=416,416] [--heads]
python experiments/benchmark.py align --data=DIR --sets=NAME,... --out=FILE.jsonl [--pairs=12] [--methods=NAME,...]
python experiments/benchmark.py accelerator --out=DIR [--minutes=8] [--small]
"""

import sys

from bilevel_jax.start import start

if __name__ == "__main__":
    sys.exit(start("bilevel_jax.commands.benchmark:benchmark_command"))
