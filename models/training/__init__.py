"""Training controls on a person's own pictures, with the host's own models."""
