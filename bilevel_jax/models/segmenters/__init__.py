"""Segmenters: an image in, logits of every pixel's class out."""
