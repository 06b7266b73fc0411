"""What can be wrong with a batch as a whole, and with one row of it."""


class BatchError(Exception):
    """Nothing can run, or nothing more: the message says why, where, and what to do."""


class RowProblem(ValueError):
    """One row cannot run; the rest can."""
