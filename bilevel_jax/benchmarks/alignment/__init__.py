"""How far estimated alignments are from known ones, on pairs that were warped at random."""
