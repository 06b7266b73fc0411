"""From a picture to a control map. One registry, one file per family, pure functions on [B,H,W,C] tensors."""
