"""Which rows of a layer's queries come from which rows of the batch, where patches of other nodes have repeated some.

Nodes for regional prompts repeat the prompt's queries once for each region, each with a text of its own, and join what comes
out by masks. Image tokens, weights and masks must then follow the rows of the queries, not those of the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ..guidance.batch_view import BatchView
from ..guidance.patches import names_of
from ..guidance.roles import CONDITIONAL

Rows = tuple[int, ...]
_LOOKED_AT = 16  # tokens of a row, evenly spread: enough to tell rows apart


class QueryRows:
    """Watches the cross-attentions of one call from both sides of the other nodes' patches.

    view: of the call; known: what was found in earlier calls of the sampling, filled here.
    """

    def __init__(self, others: list[Any], view: BatchView, known: dict[Any, Rows], who: str) -> None:
        self.others = others
        self.who = who
        self._labels = tuple((half, picture) for half in view.halves for picture in range(view.pictures))
        self._known = known
        self._guessed: dict[Any, Rows] = {}
        self._before: tuple[torch.Tensor, torch.Tensor] | None = None
        self._rows: Rows | None = None

    def install(self, options: dict[str, Any]) -> None:
        """Into the options of this call alone."""
        patches = options.get("patches", {})
        options["patches"] = {**patches, "attn2_patch": [_Before(self), *self.others, _After(self)]}

    def rows(self, queries: int) -> Rows | None:
        """The batch's row of each query row; None where they are the same. ValueError where that cannot be told."""
        if queries == len(self._labels):
            return None
        if self._rows is None or len(self._rows) != queries:
            raise self._error(queries)
        return self._rows

    def see_before(self, query: torch.Tensor, key: torch.Tensor) -> None:
        """Queries [B,N,D] and text [B,M,C] of a layer as the network made them."""
        self._before = (query, key)

    def see_after(self, query: torch.Tensor, key: torch.Tensor) -> None:
        """The same as the other nodes' patches leave them, [R,N,D] and [R,m,C]."""
        before, self._before, self._rows = self._before, None, None
        if before is None or query.shape[0] == before[0].shape[0] or before[0].shape[0] != len(self._labels):
            return
        structure = (self._labels, query.shape[0])
        if structure not in self._known:
            found = traced(*before, query, key, self._labels)
            if found is None:
                return
            rows, is_sure = found
            if is_sure:
                self._known[structure] = rows
                if not self._alike(rows, self._guessed.get(structure, rows)):
                    raise self._error(query.shape[0])
            self._rows = self._guessed[structure] = rows
        self._rows = self._known.get(structure, self._rows)

    def _alike(self, one: Rows, other: Rows) -> bool:
        return [self._labels[row] for row in one] == [self._labels[row] for row in other]

    def _error(self, queries: int) -> ValueError:
        return ValueError(
            f"{self.who}: the model carries patches that change the rows of its cross-attention from {len(self._labels)} to "
            f"{queries} ({names_of(self.others) or 'of other nodes'}), and it cannot be told which picture and which prompt "
            "each of them is for. Take out one of the two: the IP-Adapter, or the node with these patches."
        )


class _Side:
    def __init__(self, rows: QueryRows) -> None:
        self.rows = rows


class _Before(_Side):
    @torch.compiler.disable
    def __call__(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, _options: Any) -> Any:
        self.rows.see_before(query, key)
        return query, key, value


class _After(_Side):
    @torch.compiler.disable
    def __call__(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, _options: Any) -> Any:
        self.rows.see_after(query, key)
        return query, key, value


def traced(
    query: torch.Tensor, key: torch.Tensor, new_query: torch.Tensor, new_key: torch.Tensor, labels: Sequence[Any]
) -> tuple[Rows, bool] | None:
    """(for each row of the new queries the row it was made from, whether that is sure); None when one has no source.

    query, new_query: [B,N,D] and [R,N,D]; key, new_key: [B,M,C] and [R,m,C], the texts; labels: (half, picture) of each of
    the B rows: which of several alike it is does not matter. Until the first text is read, the prompt's and the negative
    prompt's queries are alike. There a row that kept its text is known by that, and one with another text is taken for the
    prompt's, which regions are made of; the layers behind tell whether that was right.
    """
    same_query = _equal(new_query, query)
    # A text may be repeated to the length of a longer one: it begins as it did.
    begins = new_key.shape[1] >= key.shape[1] and new_key.shape[2:] == key.shape[2:]
    same_key = _equal(new_key[:, : key.shape[1]], key) if begins else torch.zeros_like(same_query)
    rows, is_sure = [], True
    for by_query, by_both in zip(same_query.tolist(), (same_query & same_key).tolist(), strict=True):
        choices = [row for row, yes in enumerate(by_query) if yes]
        if not choices:
            return None
        if len({labels[row] for row in choices}) > 1:
            is_sure = False
            choices = [row for row in choices if by_both[row]] or choices
            choices = [row for row in choices if labels[row][0] == CONDITIONAL] or choices
        rows.append(choices[0])
    return tuple(rows), is_sure


def _equal(new: torch.Tensor, old: torch.Tensor) -> torch.Tensor:
    """[R,T,C], [B,T,C] -> [R,B]: whether rows are the same."""
    step = max(1, old.shape[1] // _LOOKED_AT)
    return (new[:, None, ::step] == old[None, :, ::step]).flatten(2).all(-1)
