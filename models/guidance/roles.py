"""Which chunk of a call follows the prompt and which the negative prompt: asked of the guider, never read off a number.

The number that the host gives each chunk (`cond_or_uncond`) is no more than a place in the list that was handed to
`calc_cond_batch`, and each guider makes a list of its own: CFG passes [positive, negative], Dual CFG [negative, middle,
positive], Perp-Neg [positive, negative, empty], Dual Model [positive] and then [negative], Self-Attention Guidance
[negative] alone. What holds for all of them is that a guider names its conditionings, and that each keeps its `uuid`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CONDITIONAL, UNCONDITIONAL = 0, 1

# Into the options of each call: the guider's conditionings by name, and, inside `calc_cond_batch`, the roles of its list.
_GUIDER = "armature_guider"
ROLES = "armature_roles"


# Roles by uuid, which is the same in no two samplings: a function of another node may call the network with options of its own.
_REMEMBERED: dict[Any, int] = {}
_MOST = 4096


def _remember(by_uuid: Mapping[Any, int]) -> None:
    if len(_REMEMBERED) > _MOST:
        _REMEMBERED.clear()
    _REMEMBERED.update(by_uuid)


@dataclass(frozen=True, eq=False)
class _Guider:
    name: str
    conds: Mapping[str, Sequence[Mapping[str, Any]] | None]


@dataclass(frozen=True)
class Roles:
    """halves: for each list of a call CONDITIONAL or UNCONDITIONAL, None where its role cannot be told; by_uuid: the same for
    each conditioning that has one role alone; guider: its name.
    """

    halves: tuple[int | None, ...]
    by_uuid: Mapping[Any, int]
    guider: str

    def of(self, indices: Sequence[int], uuids: Sequence[Any]) -> tuple[int | None, ...]:
        """The role of each chunk; indices, uuids: the host's `cond_or_uncond` and `uuids`.

        The place in the list decides only where the uuid does not: another node may lay the list out anew on its way.
        """
        if len(uuids) != len(indices):
            uuids = (None,) * len(indices)
        return tuple(self.by_uuid.get(uuid, self._at(index)) for uuid, index in zip(uuids, indices, strict=True))

    def _at(self, index: int) -> int | None:
        return self.halves[index] if 0 <= index < len(self.halves) else None


def chunk_roles(options: Mapping[str, Any], chunks: int) -> tuple[tuple[int, ...], str]:
    """(the half of each chunk of a call, the name of the guider where a role could not be told, else "").

    A chunk of unknown role counts as the prompt's: what acts on the prompt acts on it. Where no guider is known (a call that
    does not come from one of the host's samplers), the numbers mean what their name says: 0 the prompt, 1 its negative.
    """
    indices = tuple(options.get("cond_or_uncond", (CONDITIONAL,) * chunks))
    roles: Roles | None = options.get(ROLES)
    if roles is None:
        uuids = options.get("uuids", ())
        known = [_REMEMBERED.get(uuid) for uuid in uuids] if len(uuids) == len(indices) else [None] * len(indices)
        by_number = [CONDITIONAL if index == 0 else UNCONDITIONAL for index in indices]
        return tuple(by_number[i] if half is None else half for i, half in enumerate(known)), ""
    told = roles.of(indices, options.get("uuids", ()))
    return tuple(half or CONDITIONAL for half in told), roles.guider if None in told else ""


def told_unknown(who: str, guider: str) -> str:
    """What to say once in a sampling where a role could not be told."""
    return (
        f"{who}: the sampling calls the network with a conditioning that its guider ({guider}) does not name, so it cannot be "
        "known whether that follows the prompt or the negative prompt. It acts there as on the prompt."
    )


# The wrappers -------------------------------------------------------------------------------------------------------


def with_guider(executor: Any, x: Any, timestep: Any, model_options: Any = None, seed: Any = None) -> Any:
    """A wrapper of `predict_noise`: hands the guider's conditionings on to whatever is called inside it."""
    guider = executor.class_obj
    conds = getattr(guider, "conds", None)
    model_options = model_options or {}
    if isinstance(conds, Mapping):
        known = _Guider(type(guider).__name__, conds)
        model_options = _with_option(model_options, _GUIDER, known)
    return executor(x, timestep, model_options, seed)


def with_roles(executor: Any, model: Any, conds: Any, x_in: Any, timestep: Any, model_options: Any) -> Any:
    """A wrapper of `calc_cond_batch`: names the role of every list of conditionings for the calls of the network inside it."""
    guider = model_options.get("transformer_options", {}).get(_GUIDER)
    if guider is not None:
        halves = tuple(_role(one, guider, model_options) for one in conds)
        roles = Roles(halves, _by_uuid(conds, halves, guider), guider.name)
        _remember(roles.by_uuid)
        model_options = _with_option(model_options, ROLES, roles)
    return executor(model, conds, x_in, timestep, model_options)


def _with_option(model_options: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    options = {**model_options.get("transformer_options", {}), name: value}
    return {**model_options, "transformer_options": options}


# Finding the role ---------------------------------------------------------------------------------------------------


def _role(conds: Sequence[Mapping[str, Any]] | None, guider: _Guider, model_options: Mapping[str, Any]) -> int | None:
    """Of one list of conditionings. None for a list that is empty, or not the guider's own."""
    if not conds:
        return None
    name = _name_of(conds, guider)
    if name is not None:
        return _meaning(name, conds[0])
    if _is_old_perp_neg(model_options.get("sampler_cfg_function")):
        return UNCONDITIONAL
    return _by_text(conds, guider)


def _by_uuid(
    conds: Sequence[Sequence[Mapping[str, Any]] | None], halves: Sequence[int | None], guider: _Guider
) -> dict[Any, int]:
    """The role of each conditioning of this call and of the guider that has but one.

    The host copies a conditioning with an area from one list into another, and leaves it its uuid.
    """
    lists = [(own, _meaning(name, own[0])) for name, own in guider.conds.items() if own]
    lists += [(own, half) for own, half in zip(conds, halves, strict=True) if own]
    found: dict[Any, set[int | None]] = {}
    for own, half in lists:
        for one in own:
            found.setdefault(one.get("uuid"), set()).add(half)
    unique = {uuid: next(iter(roles)) for uuid, roles in found.items() if len(roles) == 1 and uuid is not None}
    return {uuid: half for uuid, half in unique.items() if half is not None}


def _name_of(conds: Sequence[Mapping[str, Any]], guider: _Guider) -> str | None:
    """The guider's name for a list: the same list, or one of the same conditionings (context windows copy them).

    Of several that hold all of them the shortest counts: the longer one has copies from the other.
    """
    named = {name: own for name, own in guider.conds.items() if own}
    for name, own in named.items():
        if own is conds:
            return name
    wanted = {one.get("uuid") for one in conds}
    holding = [name for name, own in named.items() if wanted <= {one.get("uuid") for one in own}]
    return min(holding, key=lambda name: len(named[name]), default=None)


def _meaning(name: str, cond: Mapping[str, Any]) -> int | None:
    """By `prompt_type`, which the host's guiders write into a conditioning that has another name, else by the name itself."""
    words = f"{cond.get('prompt_type', name)}".lower().replace("-", "_").split("_")
    if any(word.startswith(("neg", "uncond")) for word in words):
        return UNCONDITIONAL
    return CONDITIONAL if any(word.startswith(("pos", "cond")) for word in words) else None


def _is_old_perp_neg(function: Any) -> bool:
    """Whether the host's deprecated Perp-Neg node is at work, which runs its empty prompt behind the guider's back."""
    module, name = getattr(function, "__module__", "") or "", getattr(function, "__qualname__", "")
    return module.endswith("nodes_perpneg") and name.startswith("PerpNeg.")


def _by_text(conds: Sequence[Mapping[str, Any]], guider: _Guider) -> int | None:
    """The role of the guider's conditionings that carry the very same text, where all that do have one role."""
    text = conds[0].get("cross_attn")
    if text is None:
        return None
    roles = {
        _meaning(name, one) for name, own in guider.conds.items() for one in own or () if one.get("cross_attn") is text
    }
    return roles.pop() if len(roles) == 1 else None
