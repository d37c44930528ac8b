"""Held-out figures: what each kind of input is worth to the eye's measures and to a semantic network."""
