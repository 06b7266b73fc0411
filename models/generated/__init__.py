"""Small files of seeded random weights that the host's real loaders accept, made on demand for tests and examples."""

from .catalog import find_recipe, names
from .generation import generate

__all__ = ["find_recipe", "generate", "names"]
