"""Seconds and bytes of the check: a graph with 12 model files, a folder of 300, and how late the host fails without it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from armature_pack.models.compatibility import coverage
from armature_pack.models.compatibility.check_prompt import check_prompt
from armature_pack.models.files import container
from armature_pack.models.files.header import BrokenFile
from armature_pack.models.files.index import ModelIndex, forget, standard_folders
from armature_pack.tests.models.compatibility.graphs import (
    controlled,
    node,
    text_to_image,
    with_ip_adapter,
    with_lora,
    write_models,
)
from armature_pack.tests.models.files import networks
from armature_pack.tests.models.files.header_files import write_file

pytestmark = pytest.mark.bench


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def graph_with_12_files() -> dict:
    """Checkpoint, three control nets, two LoRAs, IP-Adapter, encoder, VAE, a second checkpoint with its own two."""
    prompt = with_ip_adapter(
        with_lora(controlled("sdxl.safetensors", "sdxl_canny.safetensors"), "sdxl_style.safetensors"),
        "sdxl_base.safetensors",
        "vit_bigg.safetensors",
    )
    prompt["21"] = node("LoraLoaderModelOnly", model=["20", 0], lora_name="sdxl_other.safetensors", strength_model=0.5)
    prompt["32"]["inputs"]["model"] = ["21", 0]
    for number, (first, net) in enumerate((("13", "sdxl_depth"), ("41", "sdxl_union"))):
        load, apply = str(40 + 10 * number + 0), str(41 + 10 * number)
        prompt[load] = node("ControlNetLoader", control_net_name=f"{net}.safetensors")
        prompt[apply] = node(
            "ControlNetApplyAdvanced", positive=[first, 0], negative=[first, 1], control_net=[load, 0], image=["11", 0],
            strength=0.4, start_percent=0, end_percent=1,
        )  # fmt: skip
    prompt["5"]["inputs"] |= {"positive": ["51", 0], "negative": ["51", 1]}
    prompt["60"] = node("VAELoader", vae_name="sd.safetensors")
    prompt["6"]["inputs"]["vae"] = ["60", 0]
    refiner = {
        f"r{key}": value
        for key, value in with_lora(text_to_image("sd15.safetensors"), "sd15_style.safetensors").items()
    }
    for one in refiner.values():
        for name, value in one["inputs"].items():
            if isinstance(value, list):
                one["inputs"][name] = [f"r{value[0]}", value[1]]
    prompt |= refiner
    prompt["r8"] = node("VAELoader", vae_name="flux.safetensors")
    return prompt


@pytest.fixture
def counted(monkeypatch):
    """Bytes that were read of headers."""
    counts: list[int] = []
    original = container.read_any_header

    def count(path: Path):
        header = original(path)
        counts.append(header.bytes_read)
        return header

    monkeypatch.setattr("armature_pack.models.files.identify.read_any_header", count)
    return counts


def test_a_graph_with_12_files(tmp_path, counted, capsys):
    index = write_models(tmp_path)
    prompt = graph_with_12_files()
    report = check_prompt(prompt, index)  # imports the host's detection, which the server has long done

    def cold() -> float:
        forget()
        coverage.coverage.cache_clear()
        coverage._layers_of_model.cache_clear()
        counted.clear()
        return seconds(lambda: check_prompt(prompt, index))

    first, again = min(cold() for _ in range(3)), min(seconds(lambda: check_prompt(prompt, index)) for _ in range(3))
    assert len({use.name for use in report.files}) == 12 and report.ok, report.as_text()
    size = sum(use.file.path.stat().st_size for use in report.files if use.file)
    with capsys.disabled():
        print(
            f"\n12 files, {size / 1e9:.1f} GB: cold {first:.3f} s, again {again:.4f} s, {sum(counted) / 1e6:.2f} MB read"
        )
    assert first < 0.5 and again < 0.05
    assert sum(counted) < 4e6 < size


def test_a_folder_of_300_files(tmp_path, counted, capsys):
    kinds = (
        [("checkpoints", family) for family in ("sd15", "sdxl")] * 30
        + [("loras", family) for family in ("sd15", "sdxl")] * 90
        + [("controlnet", family) for family in ("sd15", "sdxl")] * 30
    )
    makers = {"checkpoints": networks.checkpoint, "loras": networks.lora, "controlnet": networks.controlnet}
    for number, (folder, family) in enumerate(kinds):
        write_file(tmp_path / folder / f"{number}.safetensors", makers[folder](family), metadata={"n": str(number)})
    index = ModelIndex(standard_folders(tmp_path))
    forget()
    cold, warm = seconds(lambda: list(index.files())), seconds(lambda: list(index.files()))
    with capsys.disabled():
        print(f"\n{len(kinds)} files: cold {cold:.2f} s, again {warm:.3f} s, {sum(counted) / 1e6:.0f} MB read")
    assert len(counted) == 300 and cold < 5 and warm < 0.2


def test_until_the_host_fails_on_the_same_mismatch(generated, capsys):
    """An SDXL control net on an SD 1.5 model with the host's own nodes: loading, sampling, and the error (or none)."""
    import comfy.controlnet
    import comfy.sample
    import comfy.sd
    import torch

    checkpoint, net = generated("sd15_checkpoint"), generated("sdxl_controlnet")

    def host() -> None:
        model, clip, _vae, _ = comfy.sd.load_checkpoint_guess_config(str(checkpoint))
        control = comfy.controlnet.load_controlnet(str(net))
        assert clip is not None and control is not None
        cond = clip.encode_from_tokens_scheduled(clip.tokenize("a house"))
        applied = control.copy().set_cond_hint(torch.zeros(1, 3, 128, 128), 1.0, (0.0, 1.0))
        positive = [[one, {**more, "control": applied, "control_apply_to_uncond": True}] for one, more in cond]
        latent = torch.zeros(1, 4, 16, 16)
        try:
            comfy.sample.sample(
                model,
                torch.randn(1, 4, 16, 16),
                1,
                7.0,
                "euler",
                "normal",
                positive,
                positive,
                latent,
                disable_pbar=True,
            )
        except Exception as error:
            print(f"the host: {type(error).__name__}: {str(error)[:90]}")

    with capsys.disabled():
        spent = seconds(host)
        forget()
        from armature_pack.models.files.identify import identify_file

        ours = seconds(lambda: [identify_file(path) for path in (checkpoint, net)])
        print(f"\nuntil the host fails: {spent:.2f} s on tiny files; from the headers: {ours:.4f} s")


def chained(kind: str, length: int) -> dict:
    """Thousands of nodes: samplers one behind the other, LoRAs, controls, or nodes that nobody knows."""
    prompt = controlled("sdxl.safetensors")
    model, positive = ["1", 0], ["2", 0]
    for number in range(length):
        key = f"n{number}"
        if kind == "loras":
            name = "sd15_style.safetensors"
            prompt[key] = node("LoraLoaderModelOnly", model=model, lora_name=name, strength_model=1)
            model = [key, 0]
        elif kind == "controls":
            prompt[key] = node(
                "ControlNetApply", conditioning=positive, control_net=["10", 0], image=["12", 0], strength=1
            )
            positive = [key, 0]
        elif kind == "unknown":
            prompt[key] = node(f"Thing{number}", a=model, b=model, pipe=model, file=f"thing{number}.safetensors")
            model = [key, 0]
        else:
            before = ["4", 0] if number == 0 else [f"n{number - 1}", 0]
            prompt[key] = node(
                "KSampler", model=model, positive=positive, negative=["3", 0], latent_image=before, cfg=7, steps=9
            )
    prompt["5"]["inputs"] |= {"model": model, "positive": positive}
    return prompt


@pytest.mark.parametrize("kind", ["samplers", "loras", "controls", "unknown"])
def test_a_graph_of_5000_nodes(tmp_path, capsys, kind):
    index = write_models(tmp_path)
    check_prompt(controlled("sdxl.safetensors"), index)
    prompt = chained(kind, 5000)
    start = time.process_time()
    check_prompt(prompt, index)
    spent = time.process_time() - start
    with capsys.disabled():
        print(f"\n{len(prompt)} nodes, {kind}: {spent:.2f} s of the processor")
    assert spent < 2


def test_broken_files_cost_nothing(tmp_path):
    path = tmp_path / "huge.safetensors"
    with path.open("wb") as file:
        file.write((100_000_000_000).to_bytes(8, "little"))
        file.truncate(200_000_000_000)

    def read() -> None:
        with pytest.raises(BrokenFile):
            container.read_any_header(path)

    assert seconds(read) < 0.05
