"""Losses: pure functions of (prediction, target) that return (sum, normaliser).

The loss is sum / normaliser. Both are added over the devices that share a batch, so the loss of the whole batch is
exact.
"""
