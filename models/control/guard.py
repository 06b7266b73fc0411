"""Seeing to it that a signal does act: it has steps, its residuals fit the network as it runs, and are not all zero."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

import torch

from ..controlnext.injection import ControlAddition
from ..guidance.acting import ActingRecord
from ..guidance.patches import names_of
from ..host import note, running_id, tell

Guard = Literal["error", "warn"]
GUARDS: tuple[Guard, ...] = get_args(Guard)

Shape = tuple[int, ...]
Residuals = Mapping[str, Sequence[torch.Tensor | None]]


def silent_shapes(
    residuals: Mapping[str, Sequence[torch.Tensor | None]], blocks: Mapping[str, Sequence[Shape]]
) -> tuple[list[str], int]:
    """Residuals that the host would drop with no more than a log line, in words, and how many it would add.

    blocks: (channels, height, width) of what each list is added to, in the order in which the UNet takes residuals from
    the end of that list (`openaimodel.apply_control`).
    """
    dropped: list[str] = []
    added = 0
    for group, places in blocks.items():
        taken = list(residuals.get(group, ()))[::-1]
        for residual, place in zip(taken, places, strict=False):
            if residual is None:
                continue
            if fits(residual, place):
                added += 1
            else:
                dropped.append(f"{group} {_size(residual.shape[1:])} onto {_size(place)}")
    return dropped, added


def fits(residual: torch.Tensor, place: Sequence[int]) -> bool:
    """Whether the host can add a residual [B,C,h,w] to a hidden state of (C,h,w)."""
    return all(have in (1, want) for have, want in zip(residual.shape[1:], place, strict=True))


def _size(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


def unet_blocks(model: Any, height: int, width: int) -> dict[str, list[Shape]] | None:
    """What the residuals of each list are added to in the host's UNet; None for a model of another kind.

    The way down is read from the network itself: the width of each input block, and where it halves the picture.
    """
    unet = model.diffusion_model
    if not hasattr(unet, "input_blocks") or not hasattr(unet, "output_blocks"):
        return None
    down: list[Shape] = []
    for block in unet.input_blocks:
        if any(type(layer).__name__ == "Downsample" for layer in block):
            height, width = -(-height // 2), -(-width // 2)
        channels = next((layer.out_channels for layer in reversed(block) if hasattr(layer, "out_channels")), None)
        if channels is None:
            return None
        down.append((channels, height, width))
    return {"input": down, "middle": [down[-1]], "output": down[::-1]}


# Patches of others that may change the size of what the residuals are added to (Deep Shrink does).
_SHAPING = ("input_block_patch", "input_block_patch_after_skip", "middle_block_after_patch", "output_block_patch")


def shaping_patches(options: Mapping[str, Any]) -> list[Any]:
    """Patches of other nodes by which the shapes inside a UNet can be other than the network itself makes them."""
    patches = options.get("patches", {})
    found = [patch for name in _SHAPING for patch in patches.get(name, ())]
    return [patch for patch in found if not isinstance(patch, ControlAddition | _Listener)]


class _Comparison:
    """What of a signal's residuals fits during one call of a UNet; `finished` gets (what is dropped, how many are added)."""

    def __init__(self, residuals: Residuals, finished: Callable[[list[str], int], None]) -> None:
        self.waiting = {name: list(group) for name, group in residuals.items()}
        self.last = max(0, len(residuals.get("output", ())) - 1)
        self.finished = finished
        self.dropped: list[str] = []
        self.added = 0

    def install(self, options: dict[str, Any]) -> None:
        """Into the options of this call alone, first among the patches of each block: the host adds a residual just before
        them, which changes no shape.
        """
        patches = {**options.get("patches", {})}
        for name, listener in (
            ("input_block_patch", _AtInput(self)),
            ("middle_block_after_patch", _AtMiddle(self)),
            ("output_block_patch", _AtOutput(self)),
        ):
            patches[name] = [listener, *patches.get(name, ())]
        options["patches"] = patches

    def see(self, group: str, hidden: torch.Tensor) -> None:
        """Compare the next residual of a list with what it is added to."""
        waiting = self.waiting.get(group)
        residual = waiting.pop() if waiting else None
        if residual is None:
            return
        place = tuple(hidden.shape[1:])
        if fits(residual, place):
            self.added += 1
        else:
            self.dropped.append(f"{group} {_size(residual.shape[1:])} onto {_size(place)}")


class _Listener:
    """Sees what residuals are added to inside a UNet, and changes nothing."""

    def __init__(self, comparison: _Comparison) -> None:
        self.comparison = comparison


class _AtInput(_Listener):
    @torch.compiler.disable
    def __call__(self, hidden: torch.Tensor, _options: Mapping[str, Any]) -> torch.Tensor:
        self.comparison.see("input", hidden)
        return hidden


class _AtMiddle(_Listener):
    @torch.compiler.disable
    def __call__(self, given: dict[str, Any]) -> dict[str, Any]:
        self.comparison.see("middle", given["h"])
        return given


class _AtOutput(_Listener):
    @torch.compiler.disable
    def __call__(
        self, hidden: torch.Tensor, skipped: torch.Tensor, options: Mapping[str, Any]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        comparison, number = self.comparison, options["block"][1]
        if number == 0:  # hosts before 0.24 have no place behind the middle block
            comparison.see("middle", hidden)
        comparison.see("output", skipped)
        if number == comparison.last:
            comparison.finished(comparison.dropped, comparison.added)
        return hidden, skipped


class Watch:
    """What one signal contributed over a sampling; shared by all links of the signal.

    record: in which steps it acted.
    """

    def __init__(self, label: str, policy: Guard = "error") -> None:
        self.label = label
        self.policy: Guard = policy
        self.record = ActingRecord()
        self._acted_in: str | None = None
        self._lock = threading.Lock()  # with several GPUs the host runs links in threads
        self.reset()

    def reset(self) -> None:
        """Before a sampling."""
        self._flags: dict[torch.device, torch.Tensor] = {}
        self._checked: set[tuple[int, int]] = set()
        self._told_dropped: set[int] = set()
        self.record.begin()

    def check_shapes(self, residuals: Any, model: Any, latent: torch.Tensor, options: dict[str, Any]) -> None:
        """Residuals that do not fit the network are an error before the first call of each size, or told.

        Where patches of others may change the shapes, they are looked at where they occur, in every call.
        """
        size = (latent.shape[-2], latent.shape[-1])
        if model is None:
            return
        others = shaping_patches(options)
        if others:
            names = names_of(others)
            _Comparison(residuals, lambda dropped, added: self._judge(dropped, added, names)).install(options)
            return
        if size in self._checked:
            return
        self._checked.add(size)
        blocks = unet_blocks(model, *size)
        if blocks is not None:
            self._judge(*silent_shapes(residuals, blocks))

    def _judge(self, dropped: list[str], added: int, patches: str = "") -> None:
        if not dropped or len(dropped) in self._told_dropped:
            return
        self._told_dropped.add(len(dropped))
        told = (
            f"{self.label}: {len(dropped)} of {len(dropped) + added} of its residuals do not fit the model being sampled "
            f"(for example {dropped[0]}), and ComfyUI leaves those out. "
        )
        if patches:
            told += (
                f"The model carries patches that can change the size of its layers ({patches}), as Deep Shrink does. Let that "
                "end before the signal starts (its end_percent, and start_percent of the signal), or take it out; if none of "
                "them is at fault, the control net is made for another family of checkpoints."
            )
        else:
            told += "The control net is made for another family of checkpoints; choose one that fits yours."
        if added == 0 and self.policy == "error":
            raise ValueError(f"{told} Set guard to warn on Apply ControlNet Stack to sample all the same.")
        tell(told)

    def saw(self, residuals: Mapping[str, Sequence[torch.Tensor | None]]) -> None:
        """Note whether the residuals of a call hold anything at all; never waits for the device.

        All of them on the first call, after that the last one: a control net that is silent is silent in every layer.
        """
        given = [one for group in residuals.values() for one in group if one is not None]
        if not given:
            return
        device = given[0].device
        with self._lock:
            known = self._flags.get(device)
            looked_at = given if known is None else given[-1:]
            flag = torch.stack([one.any() for one in looked_at]).any()
            self._flags[device] = flag if known is None else known | flag

    def finish(
        self, signal: Any, until: float | None = None, percent_to_sigma: Callable[[float], Any] | None = None
    ) -> None:
        """After the sampling: in which steps the signal acted, told where in none. until: where savings end all control.

        An error, or a line, when the control net ran and gave nothing but zeros.
        """
        acting = self.record.finish()
        if acting is not None and acting.steps:
            note(f"{self.label} {acting.in_words}.")
            self._acted_in = running_id()
        elif acting is not None:
            told = acting.never(signal.start, signal.end, percent_to_sigma, signal.counts_steps, until)
            # With several samplings in a run (two halves, a second pass) one in which it acts is what was meant.
            elsewhere = self._acted_in is not None and self._acted_in == running_id()
            (note if elsewhere else tell)(f"{self.label} {told}")
        flags, self._flags = self._flags, {}
        if not flags or any(bool(flag) for flag in flags.values()):
            return
        told = (
            f"{self.label}: its control net ran but gave nothing but zeros, so the picture was made without it. "
            "The file is untrained, damaged or empty; load another."
        )
        if self.policy == "error":
            raise ValueError(f"{told} Set guard to warn on Apply ControlNet Stack to keep such pictures.")
        tell(told)
