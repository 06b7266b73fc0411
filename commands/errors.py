"""The error that ends a command with a message instead of a traceback."""


class Problem(Exception):
    """Something the user can act on; the message says what, where and what to do."""
