"""Checking a control map: what kind it is of, what speaks against it, how it is repaired."""
