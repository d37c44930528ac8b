"""The downstream comparison: what each kind of input is worth to a detector or segmenter."""
