"""Pictures for help pages that the nodes' own functions make: what goes in beside what comes out, each with its name."""

import textwrap
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .panels import panels


def _example(name: str) -> Any:
    from ...preprocessors.images.example_pictures import example_picture

    return example_picture(name)


def _map(method: str, image: Any, **options: Any) -> Any:
    from ...preprocessors.control_map import control_map
    from ...preprocessors.registry import find_method

    return control_map(find_method(method), image, options)[0]


def _control_map() -> Any:
    picture = _example("coffee")
    methods = ("canny", "lineart_standard", "scribble_xdog", "tile_resample", "recolor_luminance")
    return panels([("image", picture), *((method, _map(method, picture)) for method in methods)], 3)


def _fit() -> Any:
    from ...models.control.fit import FITS, fit_control_image

    lines = _map("canny", _example("coffee"))
    fitted = [(f"fit: {fit}", fit_control_image(lines, fit, "auto", 448, 576, None).preview) for fit in FITS]
    return panels([("the map", lines), *fitted])


def _check() -> Any:
    from ...preprocessors.images.map_check.check_maps import check_maps

    wrong = 1 - _map("canny", _example("astronaut"), low_threshold=100, high_threshold=200)
    return panels([("what came in: inverted", wrong), ("repair: repair", check_maps(wrong, "canny", "repair").maps)])


def _adherence() -> Any:
    """A picture that follows its map in part: the photograph, with its right half moved."""
    import torch

    source = _example("coffee")
    lines = _map("canny", source)
    middle = source.shape[2] // 2
    drawn = torch.cat([source[:, :, :middle], source[:, :, middle:].roll((14, 22), (1, 2))], 2)
    made = _measured(drawn, lines, source)
    shown = f"picture: score {made.score:.2f}"
    return panels([("source", source), ("control_image", lines), ("image", drawn), (shown, made.pictures)], 2)


def _measured(picture: Any, lines: Any, source: Any) -> Any:
    from ...preprocessors.adherence.adherence import Request, adherence

    request = Request("canny", {}, {"resolution_mode": "native", "resolution": 512}, 2)
    return adherence(picture, lines, request, source)


def _prepare() -> Any:
    from ...models.ip_adapter.prepare import prepare

    wide = _example("coffee")
    squares = [(f"mode: {mode}", prepare(wide, mode, fill="black").image) for mode in ("crop", "pad", "stretch")]
    tiles = [(f"mode: tiles, {i}", one[None]) for i, one in enumerate(prepare(wide, "tiles").image, 1)]
    return panels([("the reference", wide), *squares, *tiles[:2]], 3)


def _fix_colors() -> Any:
    import torch

    from ...preprocessors.tile import fix_colors

    right = _example("coffee")
    drifted = (right * torch.tensor([1.15, 0.95, 0.7]) + torch.tensor([0.05, 0.0, 0.1])).clamp(0, 1)
    fixed, _ = fix_colors(drifted, right, 8.0, 0.0)
    return panels([("image: its colours drifted", drifted), ("reference", right), ("fixed", fixed)])


def _draw_poses() -> Any:
    from ...preprocessors.pose.example_poses import example_poses
    from ...preprocessors.pose.people import map_of_poses

    poses = example_poses("speaker", 1)
    choices: dict[str, dict[str, Any]] = {
        "body and head": {"hands": False, "face": False},
        "with hands and face": {},
        "brightness: full": {"brightness": "full"},
    }
    return panels([(name, map_of_poses(poses, 0, 0, options)[0]) for name, options in choices.items()])


def _pose(name: str, frame: int = 0) -> Any:
    from ...preprocessors.pose.example_poses import example_poses
    from ...preprocessors.pose.people import map_of_poses

    return map_of_poses(example_poses(name, frame + 1)[frame:], 0, 0, {})[0]


def _example_poses() -> Any:
    return panels([("wave", _pose("wave")), ("astronaut", _pose("astronaut")), ("speaker", _pose("speaker"))])


def _align_poses() -> Any:
    from ...preprocessors.pose.alignment import align_poses
    from ...preprocessors.pose.example_poses import example_poses
    from ...preprocessors.pose.people import map_of_poses

    clip, reference = example_poses("wave", 4), example_poses("astronaut", 1)
    aligned, _ = align_poses(clip, reference)
    after = map_of_poses(aligned[1:2], 0, 0, {})[0]
    return panels([("a frame of the clip", _pose("wave")), ("reference", _pose("astronaut")), ("aligned", after)])


def _text_of(poses: list[Any], width: int, height: int) -> Any:
    """The beginning of the poses' JSON text as a picture."""
    from PIL import Image, ImageDraw, ImageFont

    from ...preprocessors.pose.json_text import poses_to_json

    sheet = Image.new("RGB", (width, height), (250, 250, 248))
    lines = textwrap.wrap(poses_to_json(poses), 40)[: height // 22 - 1]
    ImageDraw.Draw(sheet).multiline_text(
        (16, 12), "\n".join(lines), (30, 32, 38), ImageFont.load_default(17), spacing=4
    )
    return sheet


def _poses_to_json() -> Any:
    from ...preprocessors.pose.example_poses import example_poses

    return panels([("poses", _pose("wave")), ("text", _text_of(example_poses("wave", 1), 384, 512))])


def _poses_from_json() -> Any:
    from ...preprocessors.pose.example_poses import example_poses

    text = _text_of(example_poses("speaker", 1), 384, 512)
    return panels([("text", text), ("poses, drawn by Draw Poses", _pose("speaker"))])


def _example_pictures() -> Any:
    from ...preprocessors.images.example_pictures import NAMES

    square = [(name, _middle(_example(name)[:1])) for name in NAMES]
    return panels(square, 4)


def _middle(image: Any) -> Any:
    """The largest square in the middle, small."""
    from ...models.ip_adapter.prepare import prepare

    return prepare(image, "crop").image


def _identity() -> Any:
    from ...models.ip_adapter.prepare import prepare

    return panels([("", one[None]) for one in prepare(_example("product"), "crop").image], 6)


def _training_folder() -> Any:
    """Views of the product with captions, and Canny maps."""
    return _set_sheet("the teapot, view {}", "canny")


def _training_set_for_lora() -> Any:
    """The same without maps, one caption for all."""
    return _set_sheet("photo of a qxz teapot", None)


def _set_sheet(caption: str, method: str | None) -> Any:
    """As Training Folder shows it. caption: with a place for the picture's number."""
    from ...models.training.folder import Example, Found
    from ...models.training.set_sheet import set_sheet
    from ...models.training.store import Store
    from ...models.training.training_set import NONE, Wanted, training_set
    from ...preprocessors.images.example_pictures import example_files
    from ...preprocessors.registry import find_method

    files = example_files("product")
    examples = tuple(Example(file, caption=caption.format(number)) for number, file in enumerate(files, 1))
    with TemporaryDirectory() as cache:
        wanted = Wanted(size=256, maps=NONE, entry=None if method is None else find_method(method))
        made = training_set("product", Found(files[0].parent, examples), wanted, Store(Path(cache)))
        return set_sheet(made)


def _plot() -> Any:
    """Three signals on SD 1.5 under normalize, as the node draws them."""
    import comfy.model_sampling
    import comfy.samplers
    from comfy.controlnet import ControlBase

    from ...models.control.plot import plotted
    from ...models.control.signal import ControlSignal
    from ...models.control.stack import ControlStack
    from ...models.control.timeline import timeline
    from ...models.guidance.curve import Curve

    schedule = comfy.model_sampling.ModelSamplingDiscrete()
    picture = _map("canny", _example("coffee"))
    net = type("ControlNet", (ControlBase,), {})()  # the legend names the kind of each net
    signals = (
        ControlSignal(net, picture, weight=0.8),
        ControlSignal(net, picture, weight=0.6, end=0.7),
        ControlSignal(net, picture, weight=0.5, schedule=Curve.from_text("fade out")),
    )
    sigmas = comfy.samplers.calculate_sigmas(schedule, "normal", 12).tolist()[:-1]
    return plotted(timeline(ControlStack(signals, "normalize", 1.2), sigmas, schedule))


SCENES: dict[str, Callable[[], Any]] = {
    "ArmatureAlignPoses": _align_poses,
    "ArmatureCheckControlImage": _check,
    "ArmatureControlAdherence": _adherence,
    "ArmatureControlMap": _control_map,
    "ArmatureDrawPoses": _draw_poses,
    "ArmatureExamplePicture": _example_pictures,
    "ArmatureExamplePoses": _example_poses,
    "ArmatureFitControlImage": _fit,
    "ArmatureFixColors": _fix_colors,
    "ArmatureIdentityFromFolder": _identity,
    "ArmaturePlotControlStack": _plot,
    "ArmaturePosesFromJSON": _poses_from_json,
    "ArmaturePosesToJSON": _poses_to_json,
    "ArmaturePrepareReferenceImage": _prepare,
    "ArmatureTrainingFolder": _training_folder,
    "ArmatureTrainingSetForLoRA": _training_set_for_lora,
}
