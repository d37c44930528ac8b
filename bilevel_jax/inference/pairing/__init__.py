"""Pairs of files: two folders, one folder, a tree, patterns or a table."""

from bilevel_jax.inference.pairing.find_pairs import ALPHA, FilePairs, FoundPairs, find_pairs, search_pairs
from bilevel_jax.inference.pairing.pair_table import read_pair_table

__all__ = ["ALPHA", "FilePairs", "FoundPairs", "find_pairs", "read_pair_table", "search_pairs"]
