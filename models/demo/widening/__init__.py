"""From the narrow networks to files that the host's loaders accept: wider, and the same function."""
