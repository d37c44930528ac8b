"""Pairs of files: two folders, one folder, a tree, patterns or a table."""

from bilevel_jax.inference.pairing.find_pairs import ALPHA, FilePairs, find_pairs
from bilevel_jax.inference.pairing.pair_table import read_pair_table

__all__ = ["ALPHA", "FilePairs", "find_pairs", "read_pair_table"]
