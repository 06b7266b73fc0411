"""Whether a signal of a stack is applied, and what is told about it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from ...common.report_lines import warning
from ...preprocessors.images.kinds import map_kind
from ...preprocessors.images.map_check.contradictions import Claim, can_measure, look_at
from ...preprocessors.images.map_check.transparency import opaque
from ...preprocessors.images.tags import tag_of
from ...preprocessors.images.tensors import BrokenImage, check_image
from ..controlnext.control import ControlNeXt
from .adaptive_weight import why_not
from .fit import Fit
from .inpaint import told_mask
from .signal import ControlSignal
from .stack import ControlStack
from .union_net import UnionNet
from .union_signal import UnionSignal, kind_set_by_hand, typed, union_type

# What speaks against the map of a signal: the findings of Check Control Image, for the kind of map that the signal promises.


def complaint_about(signal: ControlSignal, image: torch.Tensor) -> str | None:
    """Why a map that can be read is no usable one, in words; None when nothing speaks against it. image: [B,H,W,3].

    Looked at once for each map, however often it is applied. Without OpenCV only what needs no measuring is found.
    """
    found = blank(image) or _out_of_range(image, tag_of(signal.image))
    if found is not None or not can_measure():
        return found
    claim = claim_of(signal)
    if claim is None:
        return None
    lines = look_at(signal.image, image, claim).complaints
    return "; ".join(lines) + "." if lines else None


def claim_of(signal: ControlSignal) -> Claim | None:
    """By a union type set by hand, or else by what made the map; None for kinds of maps that the check does not know."""
    by_hand = kind_set_by_hand(signal.control_net)
    if by_hand is not None:
        return Claim(by_hand)
    tag = tag_of(signal.image)
    if tag is None:
        return Claim()
    return Claim(tag, made_as=True) if map_kind(tag).looks_like else None


def blank(image: torch.Tensor) -> str | None:
    """What is told of a map [B,H,W,C] of one single colour; None for any other."""
    flat = image.flatten(1)
    spread = flat.amax(1) - flat.amin(1)
    if float(spread.min()) >= 1 / 255:
        return None
    index = int(spread.argmin())
    return f"control image {index} is blank (one single colour), so there is no structure to follow."


def _out_of_range(image: torch.Tensor, tag: str | None) -> str | None:
    low, high = float(image.amin()), float(image.amax())
    lowest = map_kind(tag).lowest
    if low >= lowest - 1 / 255 and high <= 1 + 1 / 255:
        return None
    return f"the control image has values from {low:.3g} to {high:.3g}; control nets expect {lowest:g} to 1."


SKIPPED = "skipped (on_invalid is skip): "


@dataclass(frozen=True)
class Decided:
    """What becomes of one signal of a stack: its image [B,H,W,3], or None where it is left out, and why in words.

    complaints: what speaks against a map that is applied all the same; notes: what is good to know of it.
    """

    signal: ControlSignal
    label: str
    image: torch.Tensor | None
    sentence: str
    complaints: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    parts: tuple[ControlSignal, ...] = ()

    @property
    def told(self) -> str:
        """All that is told of it in one text, for records."""
        return ". ".join((self.sentence.rstrip("."), *(warning(one) for one in self.complaints)))

    @property
    def warnings(self) -> tuple[str, ...]:
        """The lines about it that want attention: that it is left out, or what speaks against its map."""
        said = (self.sentence,) if self.image is None else self.complaints
        return tuple(warning(f"{self.label}: {one}") for one in said)

    @property
    def lines(self) -> tuple[str, ...]:
        """What a report says of it."""
        applied = () if self.image is None else (f"{self.label}: {self.sentence.rstrip('.')}.",)
        return (*self.warnings, *applied, *(f"Note: {self.label}: {one}" for one in self.notes))

    @property
    def images(self) -> tuple[torch.Tensor, ...]:
        """All control images that are applied: one, or those of the parts of a union signal."""
        if self.image is None:
            return ()
        return tuple(part.image for part in self.parts) or (self.image,)


def decide(stack: ControlStack) -> tuple[Decided, ...]:
    """For each signal whether it acts, by its weight, its image and its policy for an unusable image.

    Each gets a record of its own, so that a signal linked twice is two signals to the balance.
    """
    made: list[Decided] = []
    for number, signal in enumerate(stack.signals, start=1):
        label = f"Control signal {number} of {len(stack.signals)} ({signal.kind})"
        made.append(_decided_union(signal, label) if isinstance(signal, UnionSignal) else _decided(signal, label))
    return tuple(made)


def _decided(signal: ControlSignal, label: str) -> Decided:
    image, sentence, complaint = _decide(signal, label)
    kind = None if image is None else union_type(signal.control_net, signal.image)
    if kind is not None:
        sentence = f"{sentence}, {kind.told}"
    net = signal.control_net if kind is None or kind.number is None else typed(signal.control_net, kind.number)
    complaints = () if complaint is None else (complaint,)
    notes: tuple[str, ...] = ()
    if image is not None and not complaints and _is_photograph(signal, image):
        if _NAMED_AFTER_MAPS.search(signal.net_name) and not _NAMED_AFTER_PICTURES.search(signal.net_name):
            complaints = (
                f"the control image looks like a photograph, and '{signal.net_name}' follows maps: {_MAKE_THE_MAP}.",
            )
        else:
            notes = (
                "the control image looks like a photograph. Nets for tile, blur or inpainting want one; for any other: "
                f"{_MAKE_THE_MAP}.",
            )
    if image is not None and signal.adaptation is not None:
        cannot = why_not(signal)
        if cannot is None:
            sentence += f". Its weight {signal.adaptation.in_words}"
        else:
            complaints = (*complaints, f"its weight will not correct itself: {cannot}")
    return Decided(replace(signal, control_net=net), label, image, sentence, complaints, notes)


_MAKE_THE_MAP = "put the node that makes its map (such as Canny Edges) between picture and signal"
# Nets are named after what they read.
_NAMED_AFTER_MAPS = re.compile(
    r"canny|depth|pose|line_?art|soft_?edge|hed|pidi|scribble|sketch|mlsd|normal|seg", re.IGNORECASE
)
_NAMED_AFTER_PICTURES = re.compile(r"tile|blur|inpaint|upscal|recolor|union|promax|qr", re.IGNORECASE)


def _is_photograph(signal: ControlSignal, image: torch.Tensor) -> bool:
    """Whether a picture seems to have come in a map's place: it looks so, and nobody said what made it or what the net reads."""
    if signal.inpaint_mask is not None or claim_of(signal) != Claim() or not can_measure():
        return False
    return look_at(signal.image, image, Claim()).photographs


def _decided_union(signal: UnionSignal, label: str) -> Decided:
    """Each part by itself; what is left of them goes through the net in one pass."""
    idle = _idle(signal)
    if idle is not None:
        return Decided(replace(signal), label, None, f"not applied, {idle}.")
    parts = [_decided(part, f"{label}, map {number}") for number, part in enumerate(signal.parts, start=1)]
    acting = [one for one in parts if one.image is not None]
    _check_types(acting)
    told = "; ".join(f"map {number}: {one.sentence.rstrip('.')}" for number, one in enumerate(parts, start=1))
    complaints = [f"map {number}: {one}" for number, part in enumerate(parts, start=1) for one in _against(part)]
    if not acting:
        return Decided(replace(signal), label, None, f"not applied, none of its maps is. {told}")
    left = tuple(replace(one.signal, image=one.image) for one in acting)
    whole = replace(signal, control_net=UnionNet.of(left[0].control_net), parts=left)
    passes = "one pass for all" if len(left) > 1 else "one map is left"
    sentence = f"applied, weight {signal.weight:g}, {passes}; {told}"
    return Decided(whole, label, acting[0].image, sentence, tuple(complaints), parts=left)


def _against(part: Decided) -> tuple[str, ...]:
    return (part.sentence,) if part.image is None else part.complaints


def _decide(signal: ControlSignal, label: str) -> tuple[torch.Tensor | None, str, str | None]:
    """The image that is applied, what is told of it, and what speaks against it all the same."""
    idle = _idle(signal)
    if idle is not None:
        return None, f"not applied, {idle}.", None
    try:
        image, laid = opaque(check_image(signal.image, f"{label}, control image"), tag_of(signal.image))
    except BrokenImage as broken:
        if signal.on_invalid == "skip":
            return None, f"{SKIPPED}{broken}", None
        raise
    complaint = complaint_about(signal, image)
    if complaint is not None and signal.on_invalid == "error":
        raise ValueError(f"{label}: {complaint} Change the image, or set on_invalid to warn or skip.")
    if complaint is not None and signal.on_invalid == "skip":
        return None, f"{SKIPPED}{complaint}", None
    used, wrong = told_mask(signal)
    further = (f", {used}" if used else "") + "".join(f". {one.rstrip('.')}" for one in laid)
    complaint = f"{complaint} {wrong}" if complaint and wrong else wrong or complaint
    unchecked = "" if can_measure() else ", map not checked (OpenCV is missing)"
    return image, _summary(signal) + further + unchecked, complaint


def _idle(signal: ControlSignal) -> str | None:
    """Why a signal cannot act whatever its image; None when it can."""
    if signal.weight == 0.0:
        return "its weight is 0. Raise weight or bypass the signal, unless you compare with 0"
    if signal.start == signal.end:
        return (
            f"its range is empty (it starts and ends at {signal.start:g}). Set end_percent above start_percent, or bypass the "
            "signal"
        )
    if signal.mask is not None and not bool(signal.mask.any()):
        return "its mask is all black. Paint white where it shall act, or unlink the mask"
    if signal.frame_weights is not None and not any(factor for _, factor in signal.frame_weights.keyframes):
        return "its weight is 0 on every frame. Raise one in Frame Weights, or unlink them"
    layers = signal.layer_weights
    if layers is None or layers.conditional or layers.unconditional or isinstance(signal.control_net, ControlNeXt):
        return None
    return "its layer weights are 0 on both halves of the guidance. Raise one in Layer Weights, or unlink them"


def _summary(signal: ControlSignal) -> str:
    of = " of the steps" if signal.counts_steps else ""
    parts = [f"weight {signal.weight:g}", f"from {signal.start:.0%} to {signal.end:.0%}{of}", f"fit {_fit(signal.fit)}"]
    if not signal.schedule.is_constant:
        parts.append(f"schedule {signal.schedule.to_text()}")
    if signal.mask is not None:
        parts.append("masked")
    if signal.layer_weights is not None:
        parts.append(
            "layer weights have no effect (ControlNeXt acts in one place, on both halves alike)"
            if isinstance(signal.control_net, ControlNeXt)
            else "weights per layer and half"
        )
    if signal.frame_weights is not None:
        parts.append(f"weights per frame {signal.frame_weights.to_text()}")
    return "applied, " + ", ".join(parts)


def _fit(fit: Fit) -> str:
    return "crop (to the centre)" if fit == "crop" else fit


def _no_type(kind: str | None) -> str:
    """Why a map has no type for its net, and what to do. kind: of a map that says what made it."""
    set_by_hand = "set the type with Set Union ControlNet Type in front of its Control Signal"
    if kind is None:
        return f"its type is not known, and in one pass each map needs one. Make the map with Control Map, or {set_by_hand}."
    return (
        f"this net has no type for maps of the kind {kind}, and in one pass each map needs one. Link it to the ControlNet Stack "
        f"as a signal of its own, or, where the net was trained for such maps under another type, {set_by_hand}."
    )


def _check_types(parts: Sequence[Decided]) -> None:
    """In one pass each map has a type, and no type two maps: ValueError naming the parts."""
    seen: dict[int, str] = {}
    for part in parts:
        kind = (part.signal.control_net.extra_args.get("control_type") or [None])[0]
        if kind is None:
            raise ValueError(f"{part.label}: {_no_type(tag_of(part.signal.image))}")
        if kind in seen:
            raise ValueError(
                f"{part.label}: it has the type of {seen[kind]}. A pass takes one map of each type; link one of the two to the "
                "ControlNet Stack as a signal of its own."
            )
        seen[kind] = part.label
