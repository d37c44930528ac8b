"""Backbones: an image in, features at several strides out."""
