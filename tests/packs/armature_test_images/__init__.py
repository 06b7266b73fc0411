"""A pack for the tests: one node that gives the broken images that other packs' nodes sometimes give."""

import torch

KINDS = {
    "rank": lambda: torch.rand(64, 64, 3),
    "empty": lambda: torch.zeros(0, 64, 64, 3),
    "nan": lambda: torch.full((1, 64, 64, 3), float("nan")),
    "batch": lambda: torch.rand(3, 64, 64, 3),
    "blank": lambda: torch.zeros(1, 64, 64, 3),
    "one_channel": lambda: torch.rand(1, 64, 64, 1),
    "transparent": lambda: torch.rand(1, 64, 64, 4),
    "out_of_range": lambda: torch.rand(1, 64, 64, 3) * 4 - 2,
}


class BrokenImage:
    """Gives the image that its widget names."""

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "make"
    CATEGORY = "tests"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"kind": (list(KINDS),)}}

    def make(self, kind):
        return (KINDS[kind](),)


NODE_CLASS_MAPPINGS = {"ArmatureTestImage": BrokenImage}
