"""The training of the demo's models and its judging."""
