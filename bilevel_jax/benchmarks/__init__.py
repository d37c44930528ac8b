"""Measures what things cost: training steps, the methods of the core, metrics, the data pipeline, an accelerator."""
