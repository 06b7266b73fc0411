"""How well the demo's controls are obeyed, measured on held-out scenes."""
