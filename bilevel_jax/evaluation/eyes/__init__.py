"""Blind comparisons of fused pictures by people: the sheets that they see, and what their answers say."""
