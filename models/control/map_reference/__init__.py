"""Control maps that a model reads itself: as a second latent, or as the tokens of a reference picture."""
