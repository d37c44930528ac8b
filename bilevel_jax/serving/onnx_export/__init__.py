"""Writes a `Fuser` as an ONNX file: the whole program, from the bytes of two images to the bytes of the fused one."""
