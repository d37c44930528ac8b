"""The accelerator check: does a device compute what the CPU does, how fast, and in what memory?

`python experiments/benchmark.py accelerator --out=DIR`; `plan.py` lists its parts. The command's process touches no
device: it starts `python -m bilevel_jax.benchmarks.accelerator` once for each part.
"""
