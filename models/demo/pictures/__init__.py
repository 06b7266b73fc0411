"""The pictures that the example graphs start from, drawn by us: no one else's rights lie in them."""
