"""The demo's small networks as they are trained."""
