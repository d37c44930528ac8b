"""Where records come from: folders, prepared data sets, mixtures, and sources around other sources."""
