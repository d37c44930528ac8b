"""Figures of one run: the table of its held-out pairs, its validation during training, and its report page."""
