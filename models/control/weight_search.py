"""Finding the smallest weight that is enough, in few tries."""

from __future__ import annotations

from dataclasses import dataclass, field

CLOSE = 0.05  # how well the weight is known in the end, at best
_MIDDLE = 0.3  # a guess stays away from the ends of the interval by this share of it


@dataclass
class WeightSearch:
    """Bisection between 0 and `most`: `following` says what to try next, `saw` takes what came of it.

    wanted: the adherence that would be enough; tries: the most of them. The first is `most` itself: where that is not enough,
    nothing below is tried. Later ones are placed by a straight line between what is known, near the middle of what is left.
    """

    wanted: float
    most: float
    tries: int
    points: list[tuple[float, float]] = field(default_factory=list)

    @property
    def enough(self) -> tuple[float, float] | None:
        """(weight, adherence) of the smallest weight that was enough."""
        return min((point for point in self.points if point[1] >= self.wanted), default=None)

    @property
    def best(self) -> tuple[float, float]:
        """What to take: the smallest that is enough, or else the one that came nearest."""
        return self.enough or max(self.points, key=lambda point: (point[1], -point[0]))

    @property
    def too_little(self) -> float:
        """The largest weight below `enough` that is known not to be enough; 0 where none was tried."""
        least = self.most if self.enough is None else self.enough[0]
        return max((weight for weight, value in self.points if weight < least and value < self.wanted), default=0.0)

    @property
    def known_to(self) -> float | None:
        """How far the smallest weight that is enough may lie below the one that was found; None where none was."""
        return None if self.enough is None else self.enough[0] - self.too_little

    def following(self) -> float | None:
        """The next weight, or None at the end."""
        if not self.points:
            return self.most
        if self.enough is None or len(self.points) >= self.tries:
            return None
        high, low = self.enough[0], self.too_little
        if high - low <= CLOSE:
            return None
        below = next((value for weight, value in self.points if weight == low), None)
        return low + (high - low) * self._share(below)

    def saw(self, weight: float, adherence: float) -> None:
        """What a weight came to."""
        self.points.append((weight, adherence))

    def _share(self, below: float | None) -> float:
        """Where in the interval the wanted adherence would lie on a straight line; the middle where one end is unknown."""
        assert self.enough is not None, "asked for only where a weight was enough"
        above = self.enough[1]
        if below is None or above <= below:
            return 0.5
        return min(max((self.wanted - below) / (above - below), _MIDDLE), 1 - _MIDDLE)
