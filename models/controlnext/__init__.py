"""ControlNeXt: one small network that steers a UNet from a control image.

Paper: arXiv 2408.06070. Reference code: github.com/dvlab-research/ControlNeXt (commit ab4b3ac); where the two differ,
the code is followed, because the published weights were trained with it.

`loading` reads a control file into a CONTROL_NET for the host's own Apply nodes; `unet_weights` applies the fine-tuned
part of the UNet that comes with it; `video` sets up long clips.
"""
