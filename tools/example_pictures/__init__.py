"""Drawing the pictures of our own that the example graphs begin with."""
