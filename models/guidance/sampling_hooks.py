"""What a sampling must tell about itself: roles and areas of its conditionings, and what it predicts; for controls and patches.

A patch on a MODEL brings its wrappers along. A control object has no model, only the conditioning that it travels in; there
the host's hooks are the way. A hook that is met in the attribute `extra_hooks` alone is registered for the whole sampling,
and leaves the conditionings free of hooks: they stay in one batch, and the weights are loaded in the host's usual way.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from .predictions import with_predictions
from .regions import AREAS, with_areas
from .roles import ROLES, with_guider, with_roles


def wrappers() -> dict[str, dict[str, list[Any]]]:
    """By the host's names: {kind of wrapper: {key: wrappers}}."""
    from comfy.patcher_extension import WrappersMP

    return {
        WrappersMP.OUTER_SAMPLE: {ROLES: [letting_go]},
        WrappersMP.SAMPLER_SAMPLE: {ROLES: [with_predictions]},
        WrappersMP.PREDICT_NOISE: {ROLES: [with_guider]},
        WrappersMP.CALC_COND_BATCH: {ROLES: [with_roles], AREAS: [with_areas]},
    }


def letting_go(executor: Any, *arguments: Any, **named: Any) -> Any:
    """A wrapper of a whole sampling. The host cleans control objects up behind one that went well, and no other."""
    try:
        return executor(*arguments, **named)
    except BaseException:
        for conds in (getattr(executor.class_obj, "conds", None) or {}).values():
            for cond in conds or ():
                link = cond.get("control")
                while link is not None:
                    if hasattr(link, "abandon"):
                        link.abandon()
                    link = getattr(link, "previous_controlnet", None)
        raise


def watch_sampling(model: Any) -> None:
    """Bring the wrappers into a MODEL, which the caller has cloned."""
    import comfy.patcher_extension as extension

    for kind, by_key in wrappers().items():
        for key, present in by_key.items():
            if not extension.get_wrappers_with_key(kind, key, model.model_options, is_model_options=True):
                for wrapper in present:
                    extension.add_wrapper_with_key(kind, key, wrapper, model.model_options, is_model_options=True)


def with_sampling_hooks(others: Any = None) -> Any:
    """For `extra_hooks` of a control object: the wrappers, beside hooks that it has already."""
    from comfy.hooks import HookGroup

    group = HookGroup()
    group.add(_hook().clone())
    return HookGroup.combine_all_hooks([others, group])


def hooks_of_others(extra_hooks: Any) -> list[Any]:
    """For `get_extra_hooks` of a control object: what is to mark the conditionings, and so all but ours."""
    if extra_hooks is None:
        return []
    kept: Sequence[Any] = [hook for hook in extra_hooks.hooks if hook != _hook()]
    if len(kept) == len(extra_hooks.hooks):
        return [extra_hooks]
    from comfy.hooks import HookGroup

    group = HookGroup()
    for hook in kept:
        group.add(hook)
    return [group] if kept else []


@lru_cache(maxsize=1)
def _hook() -> Any:
    """One for all, so that the host sees that a chain of links asks for the same thing."""
    from comfy.hooks import TransformerOptionsHook

    return TransformerOptionsHook({"wrappers": wrappers()})
