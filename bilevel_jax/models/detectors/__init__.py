"""Detectors: an image in, boxes with classes and scores out."""
