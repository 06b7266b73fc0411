"""The key layouts of IP-Adapter files, one small file each; `registry` lists them. Nothing here needs torch."""
