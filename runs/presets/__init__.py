"""Presets: weights, ranges and curves of controls under a name, a plain file each."""
