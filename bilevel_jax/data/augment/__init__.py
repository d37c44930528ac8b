"""Augmentation: the random changes of a sample before it is trained on. `recipe.py` puts them in order."""
