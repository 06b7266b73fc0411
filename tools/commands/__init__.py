"""The commands for developers of the pack, found by armature.py where this folder is present."""
