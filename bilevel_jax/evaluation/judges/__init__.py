"""Judges: detectors and segmenters from ONNX files that nobody here trained, and what they find in each input."""
