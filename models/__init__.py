"""Everything that knows about weights: reading, recognising, building and applying them."""
