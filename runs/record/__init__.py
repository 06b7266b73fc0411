"""Job records: what made a picture, written beside it, so that it can be explained, made again and compared."""
