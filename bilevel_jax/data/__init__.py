"""Sources of registered pairs (built-in scenes, own folders) and the batches that are made of them."""
