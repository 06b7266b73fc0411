"""The embedded trained model: the scenes that it draws, its training, its compact weights, and the files made of them."""
