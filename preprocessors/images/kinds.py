"""The table of map kinds: all that differs between one kind of control map and another. A new kind is one entry here.

Whoever treats kinds differently asks the table, by a field; no other module lists kinds by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Polarity = Literal["white_on_black", "black_on_white", "near_is_white", "colour"]
MapValues = Literal["thin_lines", "flat_colours", "continuous", "marked"]
Lines = Literal["thin", "thick", "soft"]
Colours = Literal["never", "often", "always"]
Measure = Literal["edge_f1", "ssim", "depth_order", "mean_iou", "normal_angles", "pck", "similarity"]


@dataclass(frozen=True)
class MapKind:
    """One kind of control map. The defaults are those of a kind of which nothing is known.

    The map. name: the field's name, which maps are tagged with; called: its maps in messages, "<name> maps" by default;
    polarity: what is bright; background: the value of "nothing here", used outside a mask; lowest: the smallest value, below 0
    only where nets were trained on such maps; normal_convention: what red and green of a normal map mean; values: what a resize
    must keep, None where it is to be measured; strokes: drawn on the background, and must not vanish between two pixels.

    The check of control images. looks_like: in words, "" for kinds that the check does not tell apart; lines: how they are
    drawn, None where it has none; binary: black and white alone; colours: whether it has any, None where nothing follows
    from them; hides_lines: inverted line maps are taken for it; photograph: no map at all, but what maps are made of;
    alike: kinds that one net reads as well (said on one side; line maps are alike anyway).

    Control nets. net_words: words in a file's name that say the net was trained on such maps; word_rank: where a name
    has words of several kinds, the lowest counts, then the order of the table; controlnext_form_of: the kind whose
    ControlNeXt weights want this form of it; union_type: the host's name (`comfy.cldm.control_types`); promised_by_type:
    whether that type, set by hand, means this kind and nothing else; flux_mode: in union nets of Flux.

    measure: of how well a picture follows such a map, one of `adherence.scoring.FAMILIES`; chapter: of its methods in the
    menu; mistakes: sentences for their help pages, "**What one sees.** What to do."
    """

    name: str
    called: str = ""
    polarity: Polarity = "colour"
    background: tuple[float, float, float] = (0.0, 0.0, 0.0)
    lowest: float = 0.0
    normal_convention: str | None = None
    values: MapValues | None = "continuous"
    strokes: bool = False
    looks_like: str = ""
    lines: Lines | None = None
    binary: bool = False
    colours: Colours | None = None
    hides_lines: bool = False
    photograph: bool = False
    alike: tuple[str, ...] = ()
    net_words: tuple[str, ...] = ()
    word_rank: int = 9
    controlnext_form_of: str = ""
    union_type: str = ""
    promised_by_type: bool = False
    flux_mode: str = ""
    measure: Measure = "similarity"
    chapter: str = "other"
    mistakes: tuple[str, ...] = ()

    @property
    def in_words(self) -> str:
        """Its maps, as messages call them."""
        return self.called or f"{self.name} maps"


_TABLE: tuple[MapKind, ...] = (
    MapKind("blank", looks_like="a blank picture"),
    MapKind(
        "canny",
        polarity="white_on_black",
        values="thin_lines",
        looks_like="a canny map (white lines one pixel wide on black)",
        lines="thin",
        binary=True,
        colours="never",
        net_words=("canny",),
        union_type="canny/lineart/anime_lineart/mlsd",
        flux_mode="canny",
        measure="edge_f1",
        chapter="lines",
    ),
    MapKind(
        "mlsd",
        polarity="white_on_black",
        values="thin_lines",
        looks_like="a map of straight lines",
        lines="thin",
        binary=True,
        colours="never",
        net_words=("mlsd",),
        union_type="canny/lineart/anime_lineart/mlsd",
        measure="edge_f1",
        chapter="lines",
    ),
    MapKind(
        "scribble",
        polarity="white_on_black",
        values="flat_colours",
        strokes=True,
        looks_like="a scribble map (thick white strokes on black)",
        lines="thick",
        binary=True,
        colours="never",
        hides_lines=True,
        net_words=("scribble", "sketch"),
        word_rank=2,
        union_type="hed/pidi/scribble/ted",
        measure="edge_f1",
        chapter="lines",
        mistakes=("**Inverted strokes.** Scribble nets want white on black, as this map is.",),
    ),
    MapKind(
        "lineart",
        polarity="white_on_black",
        looks_like="a line drawing (soft white lines on black)",
        lines="thin",
        colours="never",
        hides_lines=True,
        alike=("grey_photo",),
        net_words=("lineart", "anyline", "mistoline"),
        word_rank=3,
        union_type="canny/lineart/anime_lineart/mlsd",
        measure="ssim",
        chapter="lines",
    ),
    MapKind(
        "softedge",
        polarity="white_on_black",
        looks_like="a soft edge map",
        lines="soft",
        colours="never",
        hides_lines=True,
        alike=("grey_photo",),
        net_words=("softedge", "hed", "pidi", "teed"),
        word_rank=1,
        union_type="hed/pidi/scribble/ted",
        measure="ssim",
        chapter="lines",
        mistakes=("**A canny net with this map** works poorly; use a soft edge net.",),
    ),
    MapKind(
        "depth",
        polarity="near_is_white",
        looks_like="a depth map",
        colours="never",
        hides_lines=True,
        alike=("grey_photo", "tile"),
        net_words=("depth", "midas", "zoe"),
        union_type="depth",
        promised_by_type=True,
        flux_mode="depth",
        measure="depth_order",
        chapter="depth",
        mistakes=("**A photograph-like grey picture in a depth net** gives flat results; use a depth map.",),
    ),
    MapKind(
        "depth_viridis",
        called="viridis-coloured depth maps",
        background=(0.267, 0.004, 0.329),
        controlnext_form_of="depth",
        chapter="depth",
    ),
    MapKind(
        "normal",
        background=(128 / 255, 128 / 255, 1.0),
        normal_convention="bae",
        looks_like="a normal map",
        colours="always",
        net_words=("normal", "normalbae"),
        union_type="normal",
        promised_by_type=True,
        measure="normal_angles",
        chapter="normals",
        mistakes=(
            "**Red and green look swapped.** The net wants other axes; change `convention`, where the method has it.",
        ),
    ),
    MapKind(
        "openpose",
        values="flat_colours",
        strokes=True,
        looks_like="a pose map",
        colours="always",
        net_words=("openpose", "dwpose", "pose"),
        word_rank=0,
        union_type="openpose",
        promised_by_type=True,
        flux_mode="pose",
        measure="pck",
        chapter="people",
        mistakes=("**Limbs too dark or too bright for the net.** Change `brightness`.",),
    ),
    # Made of any map that is linked, so nothing is known of its values.
    MapKind("pose_bgr", values=None, controlnext_form_of="openpose", measure="pck", chapter="people"),
    MapKind("mediapipe_face", values="flat_colours", strokes=True, chapter="people"),
    MapKind(
        "segmentation",
        values="flat_colours",
        looks_like="a segmentation map",
        colours="often",
        net_words=("segmentation", "seg", "ade20k"),
        union_type="segment",
        promised_by_type=True,
        measure="mean_iou",
        chapter="segments and masks",
    ),
    MapKind(
        "mask",
        polarity="white_on_black",
        looks_like="a mask",
        colours="never",
        hides_lines=True,
        measure="edge_f1",
        chapter="segments and masks",
        mistakes=(
            "**White and black are the wrong way round.** White is the figure; ComfyUI's **Invert Image** exchanges them.",
        ),
    ),
    MapKind(
        "qr",
        background=(128 / 255, 128 / 255, 128 / 255),
        values="flat_colours",
        looks_like="a QR code",
        colours="never",
    ),
    MapKind(
        "flow",
        background=(1.0, 1.0, 1.0),
        looks_like="an optical flow map",
        colours="often",
        mistakes=("**One picture alone.** There is no motion in it: link a clip, its frames as one batch.",),
    ),
    # What the check calls a colour grid, by a name that saved graphs hold; `color_grid` is what methods make and nets read.
    MapKind("colour_grid", values="flat_colours", looks_like="a colour grid", colours="often"),
    MapKind(
        "color_grid",
        values="flat_colours",
        chapter="detail and colour",
        mistakes=(
            "**A colour adapter is not a ControlNet for edges.** It holds colours only; add a second signal for lines.",
        ),
    ),
    # A net for tiles takes any picture, so its type promises nothing of the map.
    MapKind(
        "tile",
        looks_like="a blurred picture",
        colours="often",
        alike=("photo", "grey_photo"),
        net_words=("tile",),
        union_type="tile",
        flux_mode="tile",
        chapter="detail and colour",
        mistakes=(
            "**The picture hardly changes.** A tile net holds colours and layout; lower its weight, or end it at 0.6 to 0.8.",
        ),
    ),
    MapKind(
        "gray",
        flux_mode="gray",
        measure="depth_order",
        chapter="detail and colour",
        mistakes=("**The colours do not change.** They come from the prompt: name them there.",),
    ),
    MapKind(
        "shuffle",
        net_words=("shuffle",),
        chapter="detail and colour",
        mistakes=("**The content is gone.** That is the purpose; add a second signal for what must stay.",),
    ),
    # Resized by the nearest pixel, so that the marked part does not run into the picture around it.
    MapKind(
        "inpaint",
        background=(-1.0, -1.0, -1.0),
        lowest=-1.0,
        values="marked",
        net_words=("inpaint",),
        union_type="repaint",
    ),
    # What the nets that read gray maps are called, and what other packs' nodes for them are known to make.
    MapKind("recolor", net_words=("recolor", "luminance", "gray", "grayscale")),
    # Of nets that also read maps of other kinds; no method makes them under these names.
    MapKind("lineart_anime", union_type="canny/lineart/anime_lineart/mlsd"),
    MapKind("blur", flux_mode="blur"),
    MapKind("low_quality", flux_mode="low quality"),
    MapKind("brightness"),
    MapKind("segment_anything"),
    # What is no map at all.
    MapKind("grey_photo", looks_like="a grey photograph", colours="never", hides_lines=True, photograph=True),
    MapKind("photo", looks_like="a photograph", colours="often", hides_lines=True, photograph=True),
)

MAP_KINDS: dict[str, MapKind] = {kind.name: kind for kind in _TABLE}


def map_kind(name: str | None) -> MapKind:
    """The kind by its name; one with all defaults for names that the table does not have."""
    return MAP_KINDS.get(name or "") or MapKind(name or "")


def alike(one: str, other: str) -> bool:
    """Whether a control net reads maps of the one kind as well as those of the other."""
    first, second = map_kind(one), map_kind(other)
    return bool(first.lines and second.lines) or other in first.alike or one in second.alike


def kinds_of_nets() -> tuple[MapKind, ...]:
    """The kinds that the name of a control net's file may tell, in the order in which their words count."""
    told = [kind for kind in MAP_KINDS.values() if kind.net_words]
    return tuple(sorted(told, key=lambda kind: kind.word_rank))
