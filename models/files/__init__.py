"""Reading weight files: their headers, their tensors, and what kind of file they are."""
