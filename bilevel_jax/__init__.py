"""Bilevel infrared-visible image fusion in JAX: first-order hypergradients and dynamic aggregation."""

__version__ = "0.1.0"
