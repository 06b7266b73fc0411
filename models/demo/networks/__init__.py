"""The narrow networks: SD1.5's blocks and key names at 64 channels, in plain torch, for training."""
