"""Batches: one graph, many rows, a ledger that remembers every row's state.

A batch is planned first (`plan`): every row is read, checked and written into the ledger. Then it runs (`run`): rows go to
the server in the ledger's order, results come back into the output folder, and the ledger holds the truth throughout.
"""
