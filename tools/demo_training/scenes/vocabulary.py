"""What a scene can hold: colours and solids, as data."""

from __future__ import annotations

from dataclasses import dataclass

Colour = tuple[float, float, float]

COLOURS: dict[str, Colour] = {
    "red": (0.84, 0.12, 0.11),
    "orange": (0.95, 0.50, 0.08),
    "yellow": (0.95, 0.82, 0.14),
    "green": (0.14, 0.62, 0.22),
    "cyan": (0.13, 0.74, 0.80),
    "blue": (0.12, 0.28, 0.82),
    "purple": (0.50, 0.18, 0.70),
    "pink": (0.95, 0.52, 0.70),
    "white": (0.93, 0.93, 0.93),
    "black": (0.11, 0.11, 0.13),
}
FLOORS: dict[str, Colour] = {
    "gray": (0.55, 0.55, 0.57),
    "white": (0.88, 0.88, 0.87),
    "beige": (0.83, 0.74, 0.60),
    "blue": (0.36, 0.50, 0.72),
    "green": (0.42, 0.60, 0.44),
    "pink": (0.85, 0.64, 0.68),
}

Plane = tuple[float, float, float, float]
_FAR: Plane = (0.0, 1.0, 0.0, 50.0)


@dataclass(frozen=True)
class Solid:
    """A convex body of about one unit's half width that stands on the floor y = 0.

    planes: (nx, ny, nz, w) for n.p <= w; the base y >= 0 is always added. quadric: (a, b, e, f) for
    a (x^2 + z^2) + b y^2 + e y + f <= 0.
    """

    name: str
    planes: tuple[Plane, ...] = ()
    quadric: tuple[float, float, float, float] = (1.0, 0.0, 0.0, -2500.0)

    def padded_planes(self, count: int) -> tuple[Plane, ...]:
        """Exactly `count` planes; those too many lie far outside."""
        return self.planes + (_FAR,) * (count - len(self.planes))


def _walls(width: float, slope: float = 0.0) -> tuple[Plane, ...]:
    return tuple((x, slope, z, width) for x, z in ((1, 0), (-1, 0), (0, 1), (0, -1)))


SOLIDS: tuple[Solid, ...] = (
    Solid("ball", quadric=(1, 1, -2, 0)),
    Solid("cube", planes=(*_walls(0.82), (0, 1, 0, 1.64))),
    Solid("cylinder", planes=((0, 1, 0, 1.7),), quadric=(1, 0, 0, -0.68)),
    Solid("cone", planes=((0, 1, 0, 2),), quadric=(1, -0.25, 1, -1)),  # x^2 + z^2 <= (1 - y/2)^2, below the tip
    Solid("pyramid", planes=_walls(1.0, 0.55)),
    Solid("wedge", planes=((1, 0.7, 0, 1), (-1, 0.7, 0, 1), (0, 0, 1, 0.9), (0, 0, -1, 0.9))),
    Solid("dome", quadric=(1, 1, 0, -1)),
)
