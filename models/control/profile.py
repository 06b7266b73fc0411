"""Sets of settings that go together: how much to save on control, and which sampler in how many steps."""

from __future__ import annotations

from dataclasses import dataclass

from .savings import NONE, Savings


@dataclass(frozen=True)
class Profile:
    """Savings of the control stack, and the sampling that goes with them."""

    savings: Savings
    steps: int
    sampler: str
    scheduler: str


PROFILES: dict[str, Profile] = {
    "fast": Profile(Savings(every=2, until=0.6), 12, "dpmpp_2m", "karras"),
    "balanced": Profile(Savings(until=0.8), 20, "dpmpp_2m", "karras"),
    "high_fidelity": Profile(NONE, 30, "dpmpp_2m", "karras"),
}


def find_profile(name: str) -> Profile:
    """The profile of a name, or a ValueError that lists the names there are."""
    if name not in PROFILES:
        raise ValueError(f'Profile: "{name}" is not one of {", ".join(PROFILES)}.')
    return PROFILES[name]


def described(profile: Profile) -> str:
    """A profile in words."""
    saved = profile.savings
    parts = [f"{profile.steps} steps, sampler {profile.sampler}, scheduler {profile.scheduler}"]
    if saved.conditional_only:
        parts.append("control on the prompt's half only")
    if saved.every > 1:
        parts.append(f"control computed on one step of {saved.every}")
    parts.append("control throughout" if saved.until == 1.0 else f"control ends at {saved.until:.0%} of the sampling")
    return "; ".join(parts) + "."
