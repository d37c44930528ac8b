"""The accelerator check: does a device compute what the CPU computes, how fast, and with how much memory?

Run `python experiments/benchmark.py accelerator --out=DIR`. `plan.py` lists the parts. The process of the command never
uses the device: it starts `python -m bilevel_jax.benchmarks.accelerator` once for each part.
"""
