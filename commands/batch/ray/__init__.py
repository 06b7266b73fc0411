"""A batch on several servers at once, through Ray: `batch --ray ADDRESS`, or several `--server`.

`runner` stays with the ledger. `actor` is what Ray puts onto a machine, one per server; it unpacks this very code there
and hands over to `worker`, which owns the server and runs rows on it. `cluster` is all that asks Ray for machines.
"""
