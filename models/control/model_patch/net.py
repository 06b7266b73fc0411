"""A model patch as a CONTROL_NET: works with the host's Apply nodes, anywhere in a chain of control nets."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import comfy.latent_formats
import comfy.utils
import torch

from ...files.families import find_family
from ...guidance.batch_view import BatchView, Window
from ...guidance.control_link import ControlLink
from ...guidance.sampling_hooks import with_sampling_hooks
from ...guidance.uncompiled import run_uncompiled
from ...host import keeping_loaded
from .kinds import Inputs, Patches, PatchKind, kind_of, titles
from .weighting import PATCH_SIZE, PLACES, Weighted, Weights

Residuals = dict[str, list[torch.Tensor | None]]
Size = tuple[int, int]


def _for_chunks(patches: Patches, chunks: int) -> Patches:
    """Where each picture of a batch has a map: patches with the maps repeated for each chunk of the batch."""
    repeated: dict[int, Any] = {}
    for patch in patches.values():
        encoded = getattr(patch, "encoded_image", None)
        if id(patch) not in repeated and encoded is not None and encoded.shape[0] > 1:
            repeated[id(patch)] = copy.copy(patch)
            repeated[id(patch)].encoded_image = encoded.repeat(chunks, *[1] * (encoded.ndim - 1))
    return {place: repeated.get(id(patch), patch) for place, patch in patches.items()}


def _ours(present: Sequence[Any]) -> int:
    """How many patches at the head of a list are links' of ours."""
    return next((number for number, one in enumerate(present) if not isinstance(one, Weighted)), len(present))


def model_patch_net(patcher: Any, name: str = "") -> ModelPatchNet:
    """CONTROL_NET of a MODEL_PATCH; ValueError for one that does not control a sampling. name: of its file."""
    kind = kind_of(patcher)
    if kind is None:
        found = type(getattr(patcher, "model", patcher)).__name__
        raise ValueError(
            f"The model patch{f' {name!r}' if name else ''} ({found}) controls no sampling. Those that do are {titles()}. Use "
            "the node that is made for it."
        )
    return ModelPatchNet(patcher, kind, name)


class ModelPatchNet(ControlLink):
    """A control link that puts the host's own patch into the options of each single call, and is gone with it.

    So it has a range, can act on one prompt among several, and leaves the MODEL alone, which a patch on the MODEL cannot.
    mask: [1 or B,H,W] in 0..1, where it acts, or None; items: factor of each picture in each chunk of the next call, or
    None; frames: factor of each frame of the latent of the next call, or None; inpaint_mask: [B,H,W], inpaint_image:
    [B,H,W,3], or None; saw: told what the patch adds.
    """

    def __init__(self, patcher: Any, kind: PatchKind, name: str = "") -> None:
        super().__init__()
        self.patcher = patcher
        self.kind = kind
        self.name = name
        self.mask: torch.Tensor | None = None
        self.items: tuple[float, ...] | None = None
        self.frames: tuple[float, ...] | None = None
        self.inpaint_mask: torch.Tensor | None = None
        self.inpaint_image: torch.Tensor | None = None
        self.saw: Any = lambda _added: None
        self.extra_hooks = with_sampling_hooks()
        # The size of the map: that of the latent, times the VAE's factor (which the host adds where one is linked).
        self.compression_ratio = 1 if kind.needs_vae else 8
        if kind.needs_vae:
            self.latent_format = comfy.latent_formats.LatentFormat()  # which the host asks whether a VAE is needed
        self.made: dict[tuple[Size, int], Patches] | None = None
        self._clips: dict[Size, torch.Tensor] = {}
        self._looked = False
        self._model: Any = None

    # Life cycle -------------------------------------------------------------------------------------------------

    def copy(self) -> ModelPatchNet:
        copied = ModelPatchNet(self.patcher, self.kind, self.name)
        self.copy_to(copied)
        copied.mask, copied.items, copied.frames = self.mask, self.items, self.frames
        copied.inpaint_mask, copied.inpaint_image = self.inpaint_mask, self.inpaint_image
        return copied

    def deepclone_multigpu(self, load_device: torch.device, autoregister: bool = False) -> ModelPatchNet:
        clone = self.copy()
        # As the host copies a ControlNet; its patchers copy themselves only where their loader said how to load them again.
        network = copy.deepcopy(self.patcher.model)
        clone.patcher = type(self.patcher)(network, load_device=load_device, offload_device=self.patcher.offload_device)
        if autoregister:
            self.multigpu_clones[load_device] = clone
        return clone

    def get_models(self) -> list[Any]:
        return [*super().get_models(), self.patcher]

    def pre_run(self, model: Any, percent_to_timestep_function: Any) -> None:
        self._check_width(model)
        self._check_vae(model)
        super().pre_run(model, percent_to_timestep_function)
        self._forget()
        self._model = model

    def cleanup(self) -> None:
        super().cleanup()
        self._forget()

    def abandon(self) -> None:
        """Let go of what was encoded for a sampling that ended by an error or an interrupt."""
        super().abandon()
        self._forget()

    def _forget(self) -> None:
        self.made = self._model = None
        self._clips = {}
        self._looked = False

    def _check_width(self, model: Any) -> None:
        """ValueError where the patch was made for a model of another size, whose tokens it cannot read."""
        if self.kind.width is None:
            return
        title = find_family(self.kind.family).title
        made_for = self.kind.width(self.patcher.model)
        width = getattr(model.diffusion_model, self.kind.width_of_model, None)
        if width is None:
            raise ValueError(
                f"{self.who} acts on models of {title} alone, and the model being sampled "
                f"({type(model.diffusion_model).__name__}) is none. Load one of {title}, or a control for yours."
            )
        if width != made_for:
            raise ValueError(
                f"{self.who} is made for a {title} model that is {made_for} wide, and the one being sampled is {width} wide. "
                "Load the model of the size that the control was made for (the page it comes from says which), or a control for "
                "the size of yours."
            )
        wrong = self.kind.check(self.patcher.model, model.diffusion_model)
        if wrong:
            raise ValueError(f"{self.who} {wrong}")

    def _check_vae(self, model: Any) -> None:
        """ValueError where the VAE makes latents that the patch, which reads those of its model, cannot read."""
        if self.vae is None or not self.kind.needs_vae:
            return
        wanted = (model.latent_format.latent_channels, model.latent_format.latent_dimensions)
        made = (getattr(self.vae, "latent_channels", wanted[0]), getattr(self.vae, "latent_dim", wanted[1]))
        if made != wanted:
            raise ValueError(
                f"{self.who} encodes its control image, and the VAE that is linked makes latents of {made[0]} channels and "
                f"{made[1]} dimensions, where the model ({type(model).__name__}) has {wanted[0]} and {wanted[1]}. Link the VAE "
                "of your model to vae."
            )

    # Each call of the model -------------------------------------------------------------------------------------

    def get_control(
        self,
        x_noisy: torch.Tensor,
        t: torch.Tensor,
        cond: dict[str, Any],
        batched_number: int,
        transformer_options: Any,
    ) -> Residuals | None:
        """Put the patches for this call into `transformer_options`; returns the residuals of the links before."""
        previous = self.residuals_before(x_noisy, t, cond, batched_number, transformer_options)
        if self.strength == 0.0 or self.is_out_of_range(t):
            return previous
        items = None if self.items is None else torch.tensor(self.items, device=x_noisy.device)
        frames = None if self.frames is None else torch.tensor(self.frames, device=x_noisy.device)
        weights = Weights(self.strength, items, self.mask, frames, x_noisy, self.saw, thorough=not self._looked)
        self._looked = True
        view = BatchView.of(x_noisy, batched_number, transformer_options)
        patches = {**transformer_options.get("patches", {})}
        for place, patch in self._patches(x_noisy, view).items():
            if hasattr(patch, "put"):  # one that says itself where it acts
                patch.put(transformer_options, patch.wrapper(patch, weights))
                continue
            wrapper = getattr(patch, "wrapper", None) or PLACES[place]
            present = patches.get(place, ())
            first = _ours(present) if getattr(patch, "leads", False) else len(present)
            patches[place] = [*present[:first], wrapper(patch, weights), *present[first:]]
        transformer_options["patches"] = patches
        run_uncompiled(transformer_options)  # code compiled for a call without them would pass them over
        return previous

    def _patches(self, x_noisy: torch.Tensor, view: BatchView) -> Patches:
        """Of the maps at the size of this call, made once in a sampling."""
        scale = self.compression_ratio if self.vae is None else self.vae.spacial_compression_encode()
        size = (x_noisy.shape[-2] * scale, x_noisy.shape[-1] * scale)
        self.made = self.made or {}
        for chunks in (1, len(view.halves)):
            if (size, chunks) not in self.made:
                self.made[size, chunks] = (
                    self._make(size, x_noisy.device) if chunks == 1 else _for_chunks(self.made[size, 1], chunks)
                )
                self._show_clip(self.made[size, chunks], x_noisy, view.clip)
        patches = self.made[size, len(view.halves)]
        if view.clip is not None and len(view.clip.frames) < view.clip.total:
            self._show_clip(patches, x_noisy, view.clip)
        return patches

    def _make(self, size: Size, device: torch.device) -> Patches:
        with keeping_loaded():  # encoding may push the network out
            patches = self.kind.make(self.patcher, self._inputs(size))
        for patch in patches.values():
            if hasattr(patch, "to"):
                patch.to(device)
        return patches

    def _show_clip(self, patches: Patches, x_noisy: torch.Tensor, seen: Window | None) -> None:
        """Hand over the maps of the frames that a call sees. The clip is encoded whole and once in a sampling: a window sees
        its part of it, and not a clip of its own.
        """
        if self.kind.clip is None:
            return
        rows, columns = (side + side % PATCH_SIZE for side in x_noisy.shape[-2:])  # as the model pads it
        seen = seen or Window((0,), 1)
        if (rows, columns) not in self._clips:
            self._clips[rows, columns] = self.kind.clip.encode(patches, (seen.total, rows, columns))
        clip = self._clips[rows, columns]
        self.kind.clip.show(patches, clip if len(seen.frames) == seen.total else clip[:, :, list(seen.frames)])

    @property
    def pictures_in_frame(self) -> int:
        """How many pictures of a clip the VAE puts into one frame of the latent, as the host's patch counts."""
        return (self.vae.temporal_compression_decode() if self.vae is not None else None) or 1

    def _inputs(self, size: Size) -> Inputs:
        image = self.cond_hint_original
        if image is None:
            raise ValueError(f"{self.who} has no control image. Link it through an Apply ControlNet node.")
        if self.kind.needs_vae and self.vae is None:
            raise ValueError(
                f"{self.who} encodes its control image and needs a VAE. Link the VAE of your model to vae."
            )
        painted = None if self.inpaint_image is None else self._at(self.inpaint_image.movedim(-1, 1), size)
        return Inputs(self._at(image, size), self.inpaint_mask, painted, self.vae, self._model)

    def _at(self, image: torch.Tensor, size: Size) -> torch.Tensor:
        """An image [B,C,h,w] as a patch gets it, [B,H,W,3]."""
        if not self.kind.resizes and tuple(image.shape[-2:]) != size:  # as the host's patches do it themselves
            image = comfy.utils.common_upscale(image, size[1], size[0], "area", "center")
        return image.movedim(1, -1)[..., :3]

    @property
    def family(self) -> str:
        """Of the models that it is for."""
        return getattr(self.patcher.model, "family", self.kind.family)

    @property
    def who(self) -> str:
        """Which file this is, for messages."""
        return f"The {self.kind.title}{f' {self.name!r}' if self.name else ''}"
