"""What every layer of the pack needs and none of them owns.

The lowest layer. It stands on the standard library alone and imports nothing of the pack.
"""
