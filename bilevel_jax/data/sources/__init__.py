"""Sources of samples: folders, prepared data sets, mixtures, and sources that wrap other sources."""
