"""Depth by networks. All maps come out alike: near is white, the whole range used, over a picture or over a clip."""
