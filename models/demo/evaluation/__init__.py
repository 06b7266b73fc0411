"""Numbers on scenes that training never saw."""
