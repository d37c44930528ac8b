"""What is done to single images or pairs: colour, exposure, saliency, pyramids, structural similarity, files."""
