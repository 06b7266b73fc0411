"""What applying a stack of LoRAs did, in words."""

from __future__ import annotations

from dataclasses import dataclass

from .matching import Matched

_EXAMPLES = 4


@dataclass(frozen=True)
class Applied:
    """One LoRA: what matched and with which strengths; notes: what else shapes it. matched is None where it was skipped."""

    name: str
    strength_model: float
    strength_clip: float
    matched: Matched | None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.matched is None:
            return f"{self.name}: {'; '.join(self.notes)}."
        file, matched = self.matched.file, self.matched
        facts = [file.title, *([f"rank {file.rank}"] if file.rank else [])]
        facts += [f"trigger words: {', '.join(file.trigger_words)}"] if file.trigger_words else []
        lines = [
            f"{self.name}: {'; '.join(facts)}.",
            f"  Strength {self.strength_model:g} on the model, {self.strength_clip:g} on the text encoder"
            f"{''.join(f'; {note}' for note in self.notes)}.",
            f"  Used: {matched.used} of {matched.total} tensors, on {len(matched.network)} weights of the model and "
            f"{len(matched.text)} of the text encoder.",
        ]
        lines += _lost("Of another shape than the model's weights (made for another family)", matched.misfits)
        lines += _lost("Without a place in this model", matched.unknown)
        lines += _lost("For the text encoder, and clip is not linked", matched.without_clip)
        return "\n".join(lines)


def _lost(why: str, layers: tuple[str, ...]) -> list[str]:
    if not layers:
        return []
    more = f", and {len(layers) - _EXAMPLES} more" if len(layers) > _EXAMPLES else ""
    return [f"  {why}: {len(layers)} layers ({', '.join(layers[:_EXAMPLES])}{more})."]
