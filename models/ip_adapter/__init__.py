"""IP-Adapter: pictures as prompts for UNets, through attention layers of their own beside those for text.

Paper: arXiv 2308.06721. Reference code: github.com/tencent-ailab/IP-Adapter; the arithmetic is checked against the
library `diffusers`.

`layouts` names a file by its header, `loading` reads it, `encoding` turns pictures into embeddings, `apply` puts them
into a MODEL.
"""
