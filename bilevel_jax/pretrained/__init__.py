"""The project's own weights: NAME.safetensors, as convert.py export writes it, and NAME.md, its model card."""
