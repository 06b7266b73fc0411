"""Pictures for help pages of what nodes do to a generated picture: the demo's models run, on a server of their own."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...runs.api import run_blocking, use_client
from ...runs.results import RunResult
from ..thumbnails import demo_server
from .panels import Panel, panels

SIDE, STEPS, SEED = 128, 10, 4  # pixels, steps and seed of the shipped first graphs
LETTERS = 20  # pixels; the pane in which the page is read shows half of that
TEXT = "a red pyramid, a yellow cube and a blue pyramid on a gray floor"

Link = list[Any]  # [number of a node, number of its output]
Settings = Mapping[str, Any]


class Graph:
    """An API prompt on the demo's models that grows, with what is to be shown of it.

    shown: (words, link of an IMAGE, link of its adherence to the edges, told below the words, or None).
    """

    def __init__(self) -> None:
        self.nodes: dict[str, dict[str, Any]] = {}
        self.shown: list[tuple[str, Link, Link | None]] = []
        loaded = self.add("CheckpointLoaderSimple", ckpt_name="armature_demo.safetensors")
        self.model, self.clip, self.vae = ([loaded[0], output] for output in range(3))
        self.picture = self.scaled("still_life")
        self.edges = self.add("ArmatureCanny", image=self.picture)
        self.net = self.control_net("canny")
        self.negative = self.said("")

    def add(self, class_type: str, **inputs: Any) -> Link:
        """A node; its first output."""
        number = str(len(self.nodes) + 1)
        self.nodes[number] = {"class_type": class_type, "inputs": inputs}
        return [number, 0]

    def control_net(self, name: str) -> Link:
        return self.add("ArmatureLoadControlNet", control_net_name=f"armature_demo_{name}.safetensors")

    def scaled(self, name: str) -> Link:
        picture = self.add("ArmatureExamplePicture", name=name)
        return self.add("ImageScale", image=picture, upscale_method="area", width=SIDE, height=SIDE, crop="center")

    def said(self, text: str) -> Link:
        return self.add("CLIPTextEncode", text=text, clip=self.clip)

    def signal(self, **settings: Any) -> Link:
        return self.add("ArmatureControlSignal", **{"control_net": self.net, "image": self.edges, **settings})

    def stack(self, *signals: Link) -> Link:
        return self.add("ArmatureControlStack", **{f"signals.signal_{row}": one for row, one in enumerate(signals)})

    def drawn(
        self,
        stack: Link | None = None,
        text: str = TEXT,
        seed: int = SEED,
        pictures: int = 1,
        savings: Link | None = None,
    ) -> Link:
        """The picture of these signals, or without any."""
        pair = [self.said(text), self.negative]
        if stack:
            more = {"savings": savings} if savings else {}
            both = self.add("ArmatureApplyControlStack", positive=pair[0], negative=pair[1], stack=stack, **more)
            pair = [both, [both[0], 1]]
        return self.sampled(pair, seed, pictures)

    def sampled(self, pair: list[Link], seed: int = SEED, pictures: int = 1) -> Link:
        """What the sampler of the first graphs makes of both conditionings."""
        latent = self.add("EmptyLatentImage", width=SIDE, height=SIDE, batch_size=pictures)
        how = {"seed": seed, "steps": STEPS, "cfg": 2, "sampler_name": "lcm", "scheduler": "sgm_uniform", "denoise": 1}
        made = self.add("KSampler", model=self.model, positive=pair[0], negative=pair[1], latent_image=latent, **how)
        return self.add("VAEDecode", samples=made, vae=self.vae)

    def show(self, words: str, image: Link, scored: bool = False) -> None:
        """Put a picture on the sheet; scored: with how much of the edges is in it."""
        score = self.add("ArmatureControlAdherence", image=image, control_image=self.edges) if scored else None
        self.shown.append((words, image, score))


def draw_effects(names: list[str]) -> Iterator[tuple[str, Any]]:
    """(node id, picture) of each, run one after the other. Raises Problem when the server does not start."""
    if not names:
        return
    with demo_server() as address:
        for name in names:
            graph = Graph()
            columns = EFFECTS[name](graph)
            yield name, panels(_run(address, graph), columns, LETTERS)


def _run(address: str, graph: Graph) -> list[Panel]:
    nodes = dict(graph.nodes)
    for number, (_, image, score) in enumerate(graph.shown):
        nodes[f"image_{number}"] = {"class_type": "PreviewImage", "inputs": {"images": image}}
        if score:
            nodes[f"score_{number}"] = {"class_type": "PreviewAny", "inputs": {"source": score}}
    result = run_blocking(address, nodes, timeout=600)
    made: list[Panel] = []
    for number, (words, _, score) in enumerate(graph.shown):
        told = f"{words}\nF1 {float(result.texts(f'score_{number}')[0]):.2f}" if score else words
        pictures = _pictures(address, result, f"image_{number}")
        # A batch, or the runs of a list, take the words one by one.
        made += zip(told.split("|") if len(pictures) > 1 else [told], pictures, strict=True)
    return made


def _pictures(address: str, result: RunResult, number: str) -> list[Any]:
    from PIL import Image

    data = [use_client(address, lambda client, one=one: client.fetch(one)) for one in result.images(number)]
    return [Image.open(io.BytesIO(one)).convert("RGB") for one in data]


def _left_half(graph: Graph) -> Link:
    """A mask: the left half white."""
    half = {"width": SIDE // 2, "height": SIDE}
    empty = graph.add("SolidMask", value=0.0, width=SIDE, height=SIDE)
    return graph.add("MaskComposite", destination=empty, source=graph.add("SolidMask", value=1.0, **half), **_AT)


_AT = {"x": 0, "y": 0, "operation": "add"}


def _control_signal(graph: Graph) -> int:
    graph.show("the map", graph.edges)
    graph.show("without control", graph.drawn(), True)
    for words, settings in (
        ("weight 0.4", {"weight": 0.4}),
        ("weight 0.8", {"weight": 0.8}),
        ("0.8, ends at 0.4", {"weight": 0.8, "end_percent": 0.4}),
        ("0.5, left half only", {"weight": 0.5, "mask": _left_half(graph)}),
    ):
        graph.show(words, graph.drawn(graph.stack(graph.signal(**settings))), "mask" not in settings)
    return 3


def _control_stack(graph: Graph) -> int:
    depth = {"control_net": graph.control_net("depth"), "image": graph.scaled("still_life_depth"), "weight": 0.5}
    edges = {"weight": 0.5}
    graph.show("the edges", graph.edges)
    graph.show("the depth", depth["image"])
    graph.show("without control", graph.drawn(), True)
    for words, signals in (("edges, 0.5", [edges]), ("depth, 0.5", [depth]), ("both", [edges, depth])):
        graph.show(words, graph.drawn(graph.stack(*(graph.signal(**one) for one in signals))), True)
    return 3


def _apply_stack(graph: Graph) -> int:
    graph.show("the map", graph.edges)
    graph.show("stack not linked", graph.drawn(), True)
    graph.show("stack linked", graph.drawn(graph.stack(graph.signal())), True)
    return 3


def _apply_control(graph: Graph) -> int:
    graph.show("the map", graph.edges)
    for weight in (0.0, 0.4, 0.8):
        both = graph.add(
            "ArmatureApplyControl",
            positive=graph.said(TEXT),
            negative=graph.negative,
            control_net=graph.net,
            image=graph.edges,
            weight=weight,
        )
        graph.show(f"weight {weight:g}", graph.sampled([both, [both[0], 1]]), True)
    return 2


def _apply_ip_adapter(graph: Graph) -> int:
    palette = graph.add("ArmatureExamplePicture", name="palette")
    graph.show("the reference", palette)
    bare, stack = graph.model, graph.stack(graph.signal())
    adapter = {
        "model": bare,
        "ip_adapter": graph.add("ArmatureLoadIPAdapter", ip_adapter_name="armature_demo_ip_adapter.safetensors"),
        "clip_vision": graph.add("CLIPVisionLoader", clip_name="armature_demo_clip_vision.safetensors"),
        "image": palette,
    }
    for weight in (0.0, 0.6, 1.0):
        graph.model = graph.add("ArmatureApplyIPAdapter", weight=weight, **adapter)
        graph.show(f"weight {weight:g}", graph.drawn(stack, ""))
    return 2


def _lora_stack(graph: Graph) -> int:
    bare, stack = (graph.model, graph.clip), graph.stack(graph.signal())
    for strength in (0.0, 0.5, 0.8, 1.0):
        graph.model, graph.clip = bare
        _with_lora(graph, strength)
        graph.show(f"strength_model {strength:g}", graph.drawn(stack))
    return 2


def _apply_lora_stack(graph: Graph) -> int:
    stack = graph.stack(graph.signal())
    graph.show("the map", graph.edges)
    graph.show("neither", graph.drawn())
    graph.show("control alone", graph.drawn(stack))
    _with_lora(graph, 1.0)
    graph.show("LoRA alone", graph.drawn())
    graph.show("LoRA and control", graph.drawn(stack))
    return 3


def _with_lora(graph: Graph, strength: float) -> None:
    both = {"strength_model": strength, "strength_clip": strength}
    stack = graph.add("ArmatureLoRAStack", lora_name="armature_demo_ink.safetensors", **both)
    loaded = graph.add("ArmatureApplyLoRAStack", model=graph.model, clip=graph.clip, lora_stack=stack)
    graph.model, graph.clip = loaded, [loaded[0], 1]


def _sweep(graph: Graph) -> tuple[Link, Link]:
    weights = graph.add("ArmatureWeightSweep", weights="0:1:0.25")
    return weights, graph.drawn(graph.stack(graph.signal(weight=weights)))


def _weight_sweep(graph: Graph) -> int:
    graph.show("the map", graph.edges)
    graph.show("|".join(f"{i / 4:g}" for i in range(5)), _sweep(graph)[1])
    return 3


def _sweep_sheet(graph: Graph) -> int:
    weights, made = _sweep(graph)
    score = graph.add("ArmatureControlAdherence", image=made, control_image=graph.edges, source=graph.picture)
    sheet = graph.add("ArmatureSweepSheet", image=made, weight=weights, adherence=[score[0], 1])
    graph.show("sheet", sheet)
    graph.show("curve", [sheet[0], 1])
    return 1


def _frame_weights(graph: Graph) -> int:
    weights = graph.add("ArmatureFrameWeights", weights="0: 0, -1: 1")
    graph.show("the map", graph.edges)
    stack = graph.stack(graph.signal(weight=1.0, frame_weights=weights))
    graph.show("0|0.25|0.5|0.75|1", graph.drawn(stack, pictures=5))
    return 3


def _layer_weights(graph: Graph) -> int:
    graph.show("the map", graph.edges)
    for words, settings in (
        ("none", {}),
        ("favour_prompt", {"preset": "favour_prompt"}),
        ("guess_mode", {"preset": "guess_mode"}),
        ("fine layers: 0", {"layers": "input: 0"}),
    ):
        weights = graph.add("ArmatureLayerWeights", **settings)
        graph.show(words, graph.drawn(graph.stack(graph.signal(layer_weights=weights))), True)
    return 3


def _savings(graph: Graph) -> int:
    stack = graph.stack(graph.signal())
    graph.show("the map", graph.edges)
    for words, settings in (
        ("nothing left out", {}),
        ("every 2", {"every": 2}),
        ("every 3", {"every": 3}),
        ("until 0.6", {"until": 0.6}),
    ):
        savings = graph.add("ArmatureControlSavings", **settings)
        graph.show(words, graph.drawn(stack, savings=savings), True)
    return 3


def _sample_to_adherence(graph: Graph) -> int:
    given = {
        "model": graph.model,
        "positive": graph.said(TEXT),
        "negative": graph.negative,
        "vae": graph.vae,
        "stack": graph.stack(graph.signal()),
        "latent_image": graph.add("EmptyLatentImage", width=SIDE, height=SIDE, batch_size=1),
        "sampler": graph.add("KSamplerSelect", sampler_name="lcm"),
        "sigmas": graph.add("BasicScheduler", model=graph.model, steps=STEPS, scheduler="sgm_uniform", denoise=1.0),
        "cfg": 2.0,
        "seed": SEED,
    }
    graph.show("the map", graph.edges)
    for adherence in (0.4, 0.6, 0.8):
        found = graph.add("ArmatureSampleToAdherence", **given, adherence=adherence, tries=6)
        graph.show(f"{adherence:g} wanted", [found[0], 1], True)
    return 2


def _control_adaptation(graph: Graph) -> int:
    graph.show("the map", graph.edges)
    graph.show("weight 0.6", graph.drawn(graph.stack(graph.signal(weight=0.6))), True)
    for adherence in (0.4, 0.95):
        adaptation = graph.add("ArmatureControlAdaptation", vae=graph.vae, adherence=adherence, **_BOLD)
        drawn = graph.drawn(graph.stack(graph.signal(weight=0.6, adaptation=adaptation)))
        graph.show(f"{adherence:g} wanted", drawn, True)
    return 2


_BOLD = {"lowest": 0.25, "proportional": 1.0, "integral": 0.5}


def _adaptation_report(graph: Graph) -> int:
    adaptation = graph.add("ArmatureControlAdaptation", vae=graph.vae, every=1, start_percent=0.0, **_BOLD)
    drawn = graph.drawn(graph.stack(graph.signal(weight=0.6, adaptation=adaptation)))
    samples = graph.nodes[drawn[0]]["inputs"]["samples"]
    report = graph.add("ArmatureAdaptationReport", samples=samples, adaptation=adaptation)
    graph.show("", [report[0], 1])
    return 1


def _load_controlnext(graph: Graph) -> int:
    graph.show("the map", graph.edges)
    graph.show("without control", graph.drawn(), True)
    name = "armature_demo_controlnext"
    graph.model = graph.add(
        "ArmatureApplyControlNeXtWeights", model=graph.model, weights_name=f"{name}_weights.safetensors"
    )
    net = graph.add("ArmatureLoadControlNeXt", control_net_name=f"{name}.safetensors")
    graph.show("with ControlNeXt", graph.drawn(graph.stack(graph.signal(control_net=net, weight=1.0))), True)
    return 3


# Node id -> what it draws: it fills the graph and says in how many columns the pictures stand.
EFFECTS: dict[str, Callable[[Graph], int]] = {
    "ArmatureAdaptationReport": _adaptation_report,
    "ArmatureApplyControl": _apply_control,
    "ArmatureApplyControlStack": _apply_stack,
    "ArmatureApplyIPAdapter": _apply_ip_adapter,
    "ArmatureApplyLoRAStack": _apply_lora_stack,
    "ArmatureControlAdaptation": _control_adaptation,
    "ArmatureControlSavings": _savings,
    "ArmatureControlSignal": _control_signal,
    "ArmatureControlStack": _control_stack,
    "ArmatureFrameWeights": _frame_weights,
    "ArmatureLayerWeights": _layer_weights,
    "ArmatureLoadControlNeXt": _load_controlnext,
    "ArmatureLoRAStack": _lora_stack,
    "ArmatureSampleToAdherence": _sample_to_adherence,
    "ArmatureSweepSheet": _sweep_sheet,
    "ArmatureWeightSweep": _weight_sweep,
}
