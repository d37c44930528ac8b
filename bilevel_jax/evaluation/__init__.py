"""Figures on held-out pairs: what each kind of input is worth to the fusion metrics and to a semantic network."""
