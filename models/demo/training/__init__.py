"""How the demo model was trained: parts, one after the other, each of which goes on after an interruption."""
