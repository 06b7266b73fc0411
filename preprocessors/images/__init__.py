"""What every part needs of pictures and maps: tensors, tags, kinds, resizing, drawing, examples, checks."""
