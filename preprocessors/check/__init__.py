"""Does a control image look like the kind of map that it is meant to be, and what can be repaired."""
