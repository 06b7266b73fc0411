"""The desk's history: projects of runs, each run a record as Save Record writes it, in plain files beside their pictures."""
