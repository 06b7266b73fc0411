"""Turning nodes of other packs, and the host's own that apply controls, into ours."""
