"""Control signals: what a signal is, and how a stack of them becomes a chain of the host's control objects."""
