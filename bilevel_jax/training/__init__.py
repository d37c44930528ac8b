"""From a configuration to a trained fusion network."""
