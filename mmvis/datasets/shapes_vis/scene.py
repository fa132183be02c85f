"""Random scenes: objects, their appearance and motion."""

from __future__ import annotations

from dataclasses import dataclass, field

from .contours import CATEGORIES
from .exact_math import catmull_rom
from .random_stream import RandomStream
from .textures import PATTERNS, Colour, Tile, make_tile, mix, pattern, value_noise

#: All lengths of a scene are in units of the frame's shorter side, all angles in
#: turns; a curve has one knot every so many frames.
KNOT_SPACING = 6
#: Knots within which an object crosses another and leaves the frame at most once.
_EVENT_KNOTS = 4
_OBJECT_TILE, _BACKGROUND_TILE = 64, 256
#: 1.6 objects a video on average, about as many as YouTube-VIS 2019 has (1.7).
_NUM_OBJECTS = (1, 1, 1, 1, 2, 2, 2, 3)

Curve = list[float]


@dataclass(frozen=True)
class Pose:
    """An object's place and form in one frame.

    Args:
        x (float): Centre, from the left of the frame.
        y (float): Centre, from the top of the frame.
        radius (float): Size, before the camera's zoom.
        turns (float): Rotation.
        aspect (float): Widening; the height shrinks by the same factor.
        shear (float): Shift in x per unit of y.
        bend (float): Shift in y per squared unit of x.
        taper (float): Widening per unit of y.
    """

    x: float
    y: float
    radius: float
    turns: float
    aspect: float
    shear: float
    bend: float
    taper: float


@dataclass
class Looks:
    """An object's category and texture, which are independent of each other."""

    category: str
    tile: Tile
    mean_colour: Colour
    aspect: float


@dataclass
class SceneObject:
    """One object of a video.

    Args:
        looks (Looks): Category and texture.
        curves (dict[str, list[float]]): Knots of each field of `Pose`.
    """

    looks: Looks
    curves: dict[str, Curve]

    def pose(self, frame_id: int) -> Pose:
        """Pose in a frame (0-based)."""
        position = frame_id / KNOT_SPACING
        return Pose(**{k: catmull_rom(v, position) for k, v in self.curves.items()})


@dataclass
class Scene:
    """All of a video but its noise.

    Args:
        background (Tile): What is behind the objects.
        camera (dict[str, list[float]]): Knots of the background's shift ``x`` and
            ``y``, of ``turns``, of ``zoom`` and of the brightness ``gain``.
        objects (list[SceneObject]): From the farthest to the nearest.
        rim (int): How much darker the objects are along their outline, 0 to 6.
        noise (int): Amplitude of the pixel noise, 0 to 3.
        blurred (bool): Whether the frames are slightly out of focus.
    """

    background: Tile
    camera: dict[str, Curve]
    objects: list[SceneObject] = field(default_factory=list)
    rim: int = 0
    noise: int = 0
    blurred: bool = False

    def view(self, frame_id: int) -> dict[str, float]:
        """The camera's values in a frame (0-based)."""
        position = frame_id / KNOT_SPACING
        return {k: catmull_rom(v, position) for k, v in self.camera.items()}


def plan_scene(
    stream: RandomStream, video_len: int, frame_width: float, frame_height: float
) -> Scene:
    """Draw a video's scene.

    Args:
        stream (RandomStream): The video's random source.
        video_len (int): Number of frames.
        frame_width (float): Width over the shorter side.
        frame_height (float): Height over the shorter side.

    Returns:
        Scene: One to three objects, their order in depth, and the camera.
    """
    num_knots = (video_len - 1) // KNOT_SPACING + 2
    background, mean_colour = _background(stream)
    scene = Scene(
        background,
        camera=dict(
            x=_walk(stream, num_knots, 0.0, 0.22, 10.0),
            y=_walk(stream, num_knots, 0.0, 0.16, 10.0),
            turns=_walk(stream, num_knots, 0.0, 0.02, 0.06),
            zoom=_within(stream, num_knots, 0.85, 1.2),
            gain=_within(stream, num_knots, 0.75, 1.2),
        ),
        rim=stream.integer(2, 6),
        noise=stream.integer(0, 3),
        blurred=stream.chance(0.3),
    )
    for _ in range(stream.choice(_NUM_OBJECTS)):
        looks = _looks(stream, scene.objects, mean_colour)
        paths = _paths(stream, num_knots, frame_width, frame_height, scene.objects)
        curves = paths | _forms(stream, num_knots, looks.aspect)
        scene.objects.append(SceneObject(looks, curves))
    order = list(range(len(scene.objects)))
    scene.objects = [
        scene.objects[order.pop(stream.integer(0, len(order) - 1))]
        for _ in range(len(order))
    ]
    return scene


def _within(stream: RandomStream, num_knots: int, low: float, high: float) -> Curve:
    return [stream.uniform(low, high) for _ in range(num_knots)]


def _walk(
    stream: RandomStream, num_knots: int, start: float, step: float, bound: float
) -> Curve:
    """A random walk whose steps keep some of their direction."""
    curve, velocity = [start], stream.uniform(-step, step)
    for _ in range(num_knots - 1):
        velocity = 0.5 * velocity + stream.uniform(-step, step)
        curve.append(min(max(curve[-1] + velocity, -bound), bound))
    return curve


def _colour(stream: RandomStream) -> Colour:
    r, g, b = (stream.integer(20, 235) for _ in range(3))
    return r, g, b


def _colour_near(stream: RandomStream, colour: Colour) -> Colour:
    r, g, b = (min(max(c + stream.integer(-60, 60), 0), 255) for c in colour)
    return r, g, b


def _distance(first: Colour, second: Colour) -> int:
    return sum(abs(a - b) for a, b in zip(first, second))


def _colour_unlike(stream: RandomStream, other: Colour, distance: int) -> Colour:
    """A colour that differs from another by at least so much, summed over r, g, b."""
    while _distance(colour := _colour(stream), other) < distance:
        pass
    return colour


def _background(stream: RandomStream) -> tuple[Tile, Colour]:
    """Two patterns over each other, patch by patch, and fine grain."""
    size = _BACKGROUND_TILE
    first = _colour(stream)
    second, third = _colour_near(stream, first), _colour_near(stream, first)
    coarse = mix(value_noise(stream, size, 8), first, second)
    fine = mix(pattern(stream, size, stream.choice(PATTERNS)), first, third)
    patches = value_noise(stream, size, stream.choice((4, 8)))[..., None]
    patches = (patches > 128) * 255
    grain = value_noise(stream, size, 64)[..., None] // 6 - 21
    colours = (coarse * (255 - patches) + fine * patches) // 255 + grain
    return make_tile(colours), first


def _looks(
    stream: RandomStream, others: list[SceneObject], background: Colour
) -> Looks:
    """New looks, or another object's category, texture or both."""
    category = stream.choice(CATEGORIES)
    aspect = stream.uniform(0.85, 1.18)
    likeness = stream.random()
    if others and likeness < 0.18:
        twin = stream.choice(others).looks
        if likeness < 0.1:
            return Looks(twin.category, twin.tile, twin.mean_colour, aspect)
        if likeness < 0.14:
            return Looks(category, twin.tile, twin.mean_colour, aspect)
        category = twin.category
    size = _OBJECT_TILE
    first = _colour_unlike(stream, background, 120)
    second = _colour_unlike(stream, first, 90)
    share = pattern(stream, size, stream.choice(PATTERNS)) * stream.integer(90, 200)
    grain = value_noise(stream, size, 16)[..., None] // 8 - 16
    tile = make_tile(mix(share // 255, first, second) + grain)
    return Looks(category, tile, first, aspect)


def _paths(
    stream: RandomStream,
    num_knots: int,
    frame_width: float,
    frame_height: float,
    others: list[SceneObject],
) -> dict[str, Curve]:
    """The centre's curves: a random walk with crossings and absences."""
    xs = [stream.uniform(0.1, 0.9) * frame_width]
    ys = [stream.uniform(0.1, 0.9) * frame_height]
    for _ in range(num_knots - 1):
        xs.append(_near(stream, xs[-1], frame_width))
        ys.append(_near(stream, ys[-1], frame_height))
    for first in range(0, num_knots - _EVENT_KNOTS + 1, _EVENT_KNOTS):
        if others and stream.chance(0.1):
            knot = first + stream.integer(0, _EVENT_KNOTS - 1)
            curves = stream.choice(others).curves
            xs[knot] = curves['x'][knot] + stream.uniform(-0.15, 0.15)
            ys[knot] = curves['y'][knot] + stream.uniform(-0.15, 0.15)
        if stream.chance(0.25):
            knot = first + stream.integer(1, _EVENT_KNOTS - 2)
            if stream.chance(frame_height / (frame_width + frame_height)):
                xs[knot] = _outside(xs[knot], frame_width)
            else:
                ys[knot] = _outside(ys[knot], frame_height)
    return dict(x=xs, y=ys)


def _outside(value: float, extent: float) -> float:
    """The nearer place at which an object is out of the frame."""
    return -0.4 if value < extent / 2 else extent + 0.4


def _near(stream: RandomStream, value: float, extent: float) -> float:
    """A place at most 0.35 away, inside the frame by 0.1."""
    low, high = max(value - 0.35, 0.1), min(value + 0.35, extent - 0.1)
    return stream.uniform(low, high)


def _forms(stream: RandomStream, num_knots: int, aspect: float) -> dict[str, Curve]:
    """The curves of size, rotation and deformation."""
    radius = stream.uniform(0.25, 0.35)
    aspects = _within(stream, num_knots, 0.85, 1.18)
    return dict(
        radius=_within(stream, num_knots, 0.85 * radius, 1.15 * radius),
        turns=_walk(stream, num_knots, stream.random(), 0.12, 100.0),
        aspect=[aspect * value for value in aspects],
        shear=_within(stream, num_knots, -0.15, 0.15),
        bend=_within(stream, num_knots, -0.12, 0.12),
        taper=_within(stream, num_knots, -0.1, 0.1),
    )
