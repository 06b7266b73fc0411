"""What every control shares: curves, progress, regions, views of a batch, layer and frame weights, a bounded cache."""
