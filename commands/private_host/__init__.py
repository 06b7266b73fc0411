"""The private host: an unmodified ComfyUI in a virtual environment, made once in the user's cache and shared.

ensure.py is the way in; definition.py says which host that is, build.py makes it, user_host.py finds the user's own.
"""

from .host import Host

__all__ = ["Host"]
