"""The steps that make a private host, in the order that works."""

import importlib.util
import json
import platform
import sys
from pathlib import Path

from ..terminal import Problem, Step, readable_size
from . import requirements
from .definition import Request
from .files import remove_tree, tree_size
from .requirements import Plan
from .source import fetch
from .workshop import INSTALL_OPTIONS, Workshop

# Making torchvision and torchaudio importable beside a torch without CUDA on Linux.
#
# On Linux their wheels on the package index hold compiled parts linked to CUDA. With a CPU-only torch those parts cannot be
# loaded. Both packages have pure Python for everything ComfyUI uses, but stop at import: torchvision describes two
# operators that were never registered, torchaudio insists on loading its library. Matching CPU wheels exist only on
# PyTorch's own index (--torch-index); where that was not given, the two small repairs below make the import succeed.

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


STEPS = 7
MODULES = (
    "torch",
    "torchvision",
    "torchaudio",
    "aiohttp",
    "yaml",
    "numpy",
    "PIL",
    "transformers",
    "safetensors",
    "cv2",
)
CHECK = f"""
import importlib, json
for name in {MODULES!r}:
    importlib.import_module(name)
import torch
print(json.dumps(torch.__version__))
"""


def build(workshop: Workshop, request: Request) -> dict[str, object]:
    """Make the host in workshop.folder and return what its manifest should say. Raises Problem."""
    make_environment(workshop)
    fetch(workshop, request)
    plan = requirements.plan((workshop.comfyui / "requirements.txt").read_text(encoding="utf-8"))
    install_torch(workshop, request.torch_index)
    install_torch_companions(workshop, request.torch_index)
    install_libraries(workshop, plan)
    install_exact(workshop, plan)
    with workshop.steps.step("Checking that everything imports") as step:
        torch = json.loads(workshop.ask(step, CHECK))
        remove_tree(workshop.scratch)
        size = tree_size(workshop.folder)
        step.facts.append(f"torch {torch}, {readable_size(size)} on disk")
    return {"torch": torch, "python": platform.python_version(), "size": size}


def make_environment(workshop: Workshop) -> None:
    """Make the virtual environment with the Python that runs this."""
    version = platform.python_version()
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        raise Problem(
            f"this Python ({sys.executable}) cannot make a virtual environment: its module venv or ensurepip is missing.\n"
            f"On Debian and Ubuntu: apt-get install python3.{sys.version_info[1]}-venv (or python3-venv). Elsewhere install "
            "Python from python.org and run armature.py with it. Or pass your own ComfyUI with --comfyui PATH."
        )
    with workshop.steps.step(f"Making a virtual environment (Python {version})") as step:
        advice = (
            "Check that this Python can make virtual environments, or run armature.py with another Python 3.10 to 3.13."
        )
        workshop.run(step, [sys.executable, "-m", "venv", str(workshop.environment_folder)], advice)


def install_torch(workshop: Workshop, index: str) -> None:
    """Install torch with its dependencies, all at the pinned versions."""
    torch = requirements.pin("torch")
    size = "" if index or sys.platform != "linux" else ", 0.2 GB without CUDA, 3 GB with"
    with (
        workshop.steps.step(f"Installing {torch.replace('==', ' ')}{size}") as step,
        workshop.listed(requirements.section(requirements.TORCH)) as constraints,
    ):
        workshop.pip(step, "install", torch, "-c", constraints, *INSTALL_OPTIONS, *_extra(index))


def install_torch_companions(workshop: Workshop, index: str) -> None:
    """Install torchvision and torchaudio without dependencies, and make them fit the torch that is there."""
    companions = [requirements.pin("torchvision"), requirements.pin("torchaudio")]
    with workshop.steps.step("Installing torchvision and torchaudio") as step:
        # numpy and Pillow, which they import, come before the check that they can be imported.
        basics = [
            line
            for line in requirements.section(requirements.HOST)
            if requirements.package_of(line) in ("numpy", "pillow")
        ]
        workshop.install(step, companions + basics, "--no-deps", *_extra(index))
        repair_imports(workshop, step)


def install_libraries(workshop: Workshop, plan: Plan) -> None:
    """Install the other libraries at our pins."""
    with workshop.steps.step("Installing the libraries that ComfyUI uses, about 0.3 GB") as step:
        workshop.install(step, plan.ours, "--no-deps")


def install_exact(workshop: Workshop, plan: Plan) -> None:
    """Install what the release pins itself: front end, templates, and its own compiled helpers."""
    # The templates package is a shell around data packages that it pins itself; nothing else may bring in dependencies.
    templates = [line for line in plan.exact if requirements.package_of(line) == "comfyui-workflow-templates"]
    others = [line for line in plan.exact if line not in templates]
    with workshop.steps.step("Installing ComfyUI's front end, help and templates, about 0.5 GB") as step:
        workshop.install(step, others, "--no-deps")
        workshop.install(step, templates)


def _extra(index: str) -> tuple[str, ...]:
    # Extra, not instead: a build for one kind of machine ('2.13.0+cpu') is preferred over the plain '2.13.0', and the
    # pinned dependencies still come from the usual index.
    return ("--extra-index-url", index) if index else ()
