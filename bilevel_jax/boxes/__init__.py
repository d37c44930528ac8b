"""Boxes of objects in images: formats, overlap, non-maximum suppression, and what a detector returns."""
