"""Registered pairs from built-in scenes, folders and public data sets, their splits, and the batches made of them."""
