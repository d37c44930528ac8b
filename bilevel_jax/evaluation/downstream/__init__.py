"""What each kind of input is worth to a detector or segmenter."""
