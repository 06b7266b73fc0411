"""Charts for help pages, whose point is a number that changes: weights over steps, frames and layers.

The weights in them are computed by the nodes' own code; only the drawing is done here.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...preprocessors.images.canvas import COLOURS, FAINT, INK, Page

WIDTH, HEIGHT = 640, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 20, 74, 46

Line = Sequence[tuple[float, float]]


def chart(title: str, lines: Mapping[str, Line], across: str, marks: Mapping[float, str], levels: bool = True) -> Any:
    """IMAGE of lines over 0 to 1, up and across; `marks`: labels along the lower edge, `levels`: lines at 0, 0.5 and 1."""
    page = Page(WIDTH, HEIGHT)
    page.text(16, 12, title, 18)
    for level in (0.0, 0.5, 1.0) if levels else (0.0,):
        page.line([_place(0, level), _place(1, level)], FAINT if level else INK)
        page.text(_LEFT - 8, _place(0, level)[1], f"{level:g}" if levels else "", 15, anchor="rm")
    for x, text in marks.items():
        page.text(_place(x, 0)[0], HEIGHT - _BOTTOM + 6, text, 14, anchor="ma")
    page.text(WIDTH - _RIGHT, HEIGHT - 4, across, 14, anchor="rd")
    left = 16.0
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        # Lines that lie on each other are moved apart by a pixel or two, so that none hides another.
        page.line([(x, y + number * 0.75) for x, y in (_place(*point) for point in line)], colour, 3)
        page.line([(left, 50), (left + 20, 50)], colour, 3)
        page.text(left + 26, 50, name, 14, anchor="lm")
        left += 44 + 7.2 * len(name)
    return page.finished()


def _place(x: float, y: float) -> tuple[float, float]:
    return _LEFT + x * (WIDTH - _LEFT - _RIGHT), _TOP + (1 - y) * (HEIGHT - _TOP - _BOTTOM)


def _stairs(values: Sequence[float]) -> Line:
    """A value that holds for the whole of its step, frame or layer."""
    count = len(values)
    return [point for i, value in enumerate(values) for point in ((i / count, value), ((i + 1) / count, value))]


def _quarters() -> dict[float, str]:
    return {0.0: "0 %", 0.25: "25 %", 0.5: "50 %", 0.75: "75 %", 0.97: "100 %"}


def _steps(count: int) -> dict[float, str]:
    """The numbers of some steps, under the middle of each."""
    return {(i + 0.5) / count: str(i + 1) for i in range(0, count, max(1, count // 5))}


def _control_signal() -> Any:
    from ...models.guidance.curve import PRESETS, Curve

    lines = {
        name: [(i / 100, 0.8 * Curve.from_text(text).value(i / 100)) for i in range(101)]
        for name, text in PRESETS.items()
    }
    return chart("Weight 0.8 with each named schedule", lines, "share of the noise schedule", _quarters())


def _control_stack() -> Any:
    """Two signals under `normalize`: the budget holds until the second ends and leaves its share."""
    weights = _weights([{"weight": 0.8}, {"weight": 0.6, "end": 0.6}], 20, balance="normalize", budget=1.0)
    lines = {
        "edges, weight 0.8": _stairs(weights[0]),
        "depth, weight 0.6, ends at 60 %": _stairs(weights[1]),
    }
    return chart("balance: normalize, budget: 1", lines, "step of the sampler", _steps(20))


def _weights(
    signals: Sequence[Mapping[str, Any]], steps: int, savings: Any = None, scheduler: str = "normal", **stack: Any
) -> list[list[float]]:
    """The weight of each signal at each step, as Plot ControlNet Stack computes it for an SD 1.5 model."""
    import comfy.model_sampling
    import comfy.samplers
    import torch
    from comfy.controlnet import ControlBase

    from ...models.control.savings import check_savings
    from ...models.control.signal import ControlSignal
    from ...models.control.stack import ControlStack
    from ...models.control.timeline import timeline

    schedule = comfy.model_sampling.ModelSamplingDiscrete()
    sigmas = comfy.samplers.calculate_sigmas(schedule, scheduler, steps).tolist()[:-1]
    made = tuple(ControlSignal(ControlBase(), torch.rand(1, 8, 8, 3), **one) for one in signals)
    rows = timeline(ControlStack(made, **stack), sigmas, schedule, check_savings(savings)).rows
    return [list(row.weights) for row in rows]


def _frame_weights() -> Any:
    from ...models.guidance.frame_weights import INTERPOLATIONS, FrameWeights

    text, frames = "0: 1, 12: 0.2, -1: 0.8", 25
    lines = {name: _stairs(FrameWeights.from_text(text, name).over(frames, "example")) for name in INTERPOLATIONS}
    return chart(text, lines, "frame of the clip", {i / frames: str(i) for i in (0, 6, 12, 18, 24)})


def _layer_weights() -> Any:
    """SDXL, because there the presets part."""
    import torch

    from ...models.guidance.layer_weights import LayerWeights, layers_of, make_layer_weights

    skips = [torch.zeros(1, 1, size, size) for size in (8, 8, 8, 4, 4, 4, 2, 2, 2)]
    layers = layers_of({"output": skips, "middle": skips[-1:]}, 8)

    def factors(weights: LayerWeights) -> Line:
        return _stairs(list(weights.factors(layers, "example").values()))

    presets = ("favour_prompt", "my_prompt_is_more_important", "guess_mode")
    lines = {preset: factors(make_layer_weights(preset, 0.825, "")) for preset in presets}
    lines["input.0-4: 0.3"] = factors(LayerWeights.from_text("input.0-4: 0.3"))
    marks = {(i + 0.5) / 10: name for i, name in ((0, "input.0"), (3, "input.3"), (6, "input.6"), (9, "middle"))}
    return chart("Factor of each layer of an SDXL ControlNet", lines, "fine to coarse", marks)


def _savings() -> Any:
    from ...models.control.savings import Savings

    saved = Savings(every=2, until=0.6)
    (weights,) = _weights([{"weight": 0.8}], 20, saved)
    # Half as wide as a step, so that the steps between are seen as gaps.
    computed = [weight for i, weight in enumerate(weights) for weight in (weight if i % saved.every == 0 else 0.0, 0.0)]
    lines = {"weight that acts": _stairs(weights), "the control net runs": _stairs(computed)}
    return chart("every 2, until 0.6, on a signal of weight 0.8", lines, "step of the sampler", _steps(20))


def _lora_options() -> Any:
    from ...models.guidance.curve import Curve

    curve = Curve.from_text("0:1, 0.5:1, 0.8:0")
    lines = {
        "style.safetensors, strength 0.8": [(i / 100, 0.8 * curve.value(i / 100)) for i in range(101)],
        "another without options, 0.5": [(0, 0.5), (1, 0.5)],
    }
    return chart("schedule: 0:1, 0.5:1, 0.8:0", lines, "share of the noise schedule", _quarters())


def _profile() -> Any:
    """Each profile a line that is up where control nets are computed, and down where the step before serves once more."""
    from ...models.control.savings import PROFILES

    lines = {}
    for row, (name, one) in enumerate(PROFILES.items()):
        level = 0.8 - 0.3 * row
        lines[f"{name}, {one.steps} steps"] = _stairs(
            [level if step % one.savings.every == 0 else level - 0.14 for step in range(one.steps)]
        )
    return chart(
        "Where control nets are computed (up), and kept (down)", lines, "share of the steps", _quarters(), levels=False
    )


def _windows() -> Any:
    """Where the windows of a clip lie, each line one of them."""
    from ...models.controlnext.video import LENGTH, OVERLAP

    frames, stride = 60, LENGTH - OVERLAP
    starts = [*range(0, frames - LENGTH, stride), frames - LENGTH]
    lines = {
        f"window {i + 1}": [(start / frames, 0.9 - 0.25 * i), ((start + LENGTH) / frames, 0.9 - 0.25 * i)]
        for i, start in enumerate(starts)
    }
    title = f"A clip of {frames} frames: length {LENGTH}, overlap {OVERLAP}"
    return chart(title, lines, "frame of the clip", {i / frames: str(i) for i in (0, 12, 24, 36, 48, 59)}, levels=False)


CHARTS: dict[str, Callable[[], Any]] = {
    "ArmatureControlSignal": _control_signal,
    "ArmatureControlStack": _control_stack,
    "ArmatureFrameWeights": _frame_weights,
    "ArmatureLayerWeights": _layer_weights,
    "ArmatureControlSavings": _savings,
    "ArmatureControlNeXtWindows": _windows,
    "ArmatureLoRAOptions": _lora_options,
    "ArmatureProfile": _profile,
}
