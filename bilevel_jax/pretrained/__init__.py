"""The project's own weights: NAME.safetensors, which convert.py export wrote, and its model card NAME.md."""
