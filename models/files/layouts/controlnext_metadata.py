"""What a ControlNeXt control file says of itself, as far as its keys agree."""

from __future__ import annotations

from dataclasses import replace

from ..trained import PLAIN, UNET, ZERO_CONVOLUTION, Trained
from .controlnext import VARIANT_BASES, Layout


def agreeing(trained: Trained, layout: Layout, zero_convolution: bool) -> Trained:
    """The metadata without what contradicts the file's layout, or whether a zero convolution is in it.

    Of a variant and a base that contradict each other the variant stays, which decides how the file is run. The addition is
    set where the keys tell it.
    """
    return _addition(_base(_variant(trained, layout), layout), zero_convolution)


def families_of(trained: Trained) -> tuple[str, ...]:
    """The base family that the metadata tells, by name or by the variant; () where it tells none."""
    if trained.base:
        return (trained.base,)
    return VARIANT_BASES[trained.variant][1][:1] if trained.variant else ()


def _variant(trained: Trained, layout: Layout) -> Trained:
    if trained.part == UNET:
        trained = trained.without("part", "it holds a control network")
    if trained.variant and trained.variant not in VARIANT_BASES:
        return trained.without("variant", "not known here")
    if trained.variant and not VARIANT_BASES[trained.variant][0].is_like(layout):
        return trained.without("variant", f"the file has the layout with {layout.title}")
    return trained


def _base(trained: Trained, layout: Layout) -> Trained:
    fitting = (
        [trained.variant]
        if trained.variant
        else [name for name, one in VARIANT_BASES.items() if one[0].is_like(layout)]
    )
    if trained.base and not any(trained.base in VARIANT_BASES[name][1] for name in fitting):
        return trained.without(
            "base", f"no base of {'the variant ' + trained.variant if trained.variant else 'this layout'}"
        )
    return trained


def _addition(trained: Trained, zero_convolution: bool) -> Trained:
    if zero_convolution:
        if trained.addition not in ("", ZERO_CONVOLUTION):
            trained = trained.without("addition", "the file holds a zero convolution")
        return replace(trained, addition=ZERO_CONVOLUTION)
    if (
        trained.addition == ZERO_CONVOLUTION
    ):  # folded into the module by somebody, else nothing could be made of the file
        return replace(trained.without("addition", "the file holds none; added as it is"), addition=PLAIN)
    return trained
