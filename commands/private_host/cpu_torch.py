"""Making torchvision and torchaudio importable beside a torch without CUDA on Linux.

On Linux their wheels on the package index hold compiled parts linked to CUDA. With a CPU-only torch those parts cannot be
loaded. Both packages have pure Python for everything ComfyUI uses, but stop at import: torchvision describes two
operators that were never registered, torchaudio insists on loading its library. Matching CPU wheels exist only on
PyTorch's own index (--torch-index); where that was not given, the two small repairs below make the import succeed.
"""

import json
from pathlib import Path

from ..console import Step
from ..errors import Problem
from .workshop import Workshop

LOOK = """
import importlib, json, sysconfig, torch
failed = []
for name in ("torchvision", "torchaudio"):
    try:
        importlib.import_module(name)
    except Exception as error:
        failed.append([name, f"{type(error).__name__}: {error}"])
cpu = not (torch.version.cuda or torch.version.hip)
print(json.dumps({"failed": failed, "cpu": cpu, "packages": sysconfig.get_path("platlib")}))
"""

DECLARE_OPERATORS = """

# Added by Armature: the compiled operators cannot be loaded beside this torch. Declaring the two that torchvision describes
# unconditionally lets it be imported; calling them still says that they are missing.
if not _has_ops():
    _declared = torch.library.Library("torchvision", "DEF")
    for _name in ("nms", "qnms"):
        _declared.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""


def repair_imports(workshop: Workshop, step: Step) -> None:
    """Repair what does not import beside a CPU-only torch; Problem if it still does not."""
    seen = json.loads(workshop.ask(step, LOOK))
    if seen["failed"] and seen["cpu"]:
        packages = Path(seen["packages"])
        for name, _error in seen["failed"]:
            REPAIRS[name](packages)
        step.facts.append("fitted to a CPU-only torch")
        seen = json.loads(workshop.ask(step, LOOK))
    if seen["failed"]:
        errors = "\n".join(f"    {name}: {error}" for name, error in seen["failed"])
        raise Problem(f"these packages were installed but cannot be imported:\n{errors}\nFull log: {workshop.log}")


def declare_torchvision_operators(packages: Path) -> None:
    """Append the declarations to torchvision/extension.py in the host's site-packages, once."""
    file = packages / "torchvision" / "extension.py"
    text = file.read_text(encoding="utf-8")
    if DECLARE_OPERATORS not in text:
        file.write_text(text + DECLARE_OPERATORS, encoding="utf-8")


def drop_torchaudio_libraries(packages: Path) -> None:
    """Delete torchaudio's compiled libraries, which it then does without."""
    for library in (packages / "torchaudio" / "lib").glob("*.so*"):
        library.unlink()


REPAIRS = {"torchvision": declare_torchvision_operators, "torchaudio": drop_torchaudio_libraries}
