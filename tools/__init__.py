"""What only those run who develop the pack; the registry's archive lacks it."""
