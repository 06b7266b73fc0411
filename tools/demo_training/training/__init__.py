"""Training the demo's networks, a part after another."""
