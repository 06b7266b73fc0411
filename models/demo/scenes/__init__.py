"""Procedural scenes: shaded solids on a floor, with a caption and exact maps."""
