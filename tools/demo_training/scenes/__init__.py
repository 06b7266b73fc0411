"""The scenes that the demo's models are trained on: layouts, captions, drawing."""
