"""Colour, saliency, structural similarity and files: what is done to single images or pairs."""
