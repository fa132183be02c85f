"""Rendering of a scene to frames and masks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .contours import contour
from .exact_math import rotate, unit_vector
from .random_stream import RandomStream
from .rasterise import FULL_COVERAGE, rasterise
from .scene import Pose, Scene, SceneObject
from .textures import Tile, sample

#: Texels of the background along the frame's shorter side, and of an object's
#: texture along its radius, at zoom 1.
_BACKGROUND_TEXELS, _RADIUS_TEXELS = 96.0, 24.0


def render_video(
    scene: Scene, stream: RandomStream, video_len: int, height: int, width: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Draw the frames of a video.

    Args:
        scene (Scene): What to draw; its N objects in the order of depth.
        stream (RandomStream): Source of the pixel noise.
        video_len (int): Number of frames.
        height (int): Height in pixels.
        width (int): Width in pixels.

    Yields:
        tuple[np.ndarray, np.ndarray]: The frame, RGB, uint8, shape (H, W, 3), and
        the masks of what is visible of each object, bool, shape (N, H, W).
    """
    unit = float(min(height, width))
    for frame_id in range(video_len):
        view = scene.view(frame_id)
        frame = _draw_background(scene.background, view, height, width, unit)
        masks = np.zeros((len(scene.objects), height, width), dtype=bool)
        for n, item in enumerate(scene.objects):
            drawn = _draw_object(frame, item, frame_id, view, unit, scene.rim)
            if drawn is not None:
                solid, box = drawn
                masks[:n, box[0], box[1]] &= ~solid
                masks[n, box[0], box[1]] = solid
        yield _expose(frame, scene, stream, view['gain']), masks


def _grid(
    tile: Tile,
    center: tuple[float, float],
    turns: float,
    scale: float,
    box: tuple[slice, slice],
    origin: tuple[float, float] = (0.0, 0.0),
) -> np.ndarray:
    """Sample a tile that lies at `center`, rotated, with so many texels per pixel."""
    cosine, sine = unit_vector(-turns)
    x = (np.arange(box[1].start, box[1].stop) + 0.5 - center[0]) * scale
    y = ((np.arange(box[0].start, box[0].stop) + 0.5 - center[1]) * scale)[:, None]
    u = x * cosine - y * sine + origin[0]
    v = x * sine + y * cosine + origin[1]
    return sample(tile, u, v)


def _draw_background(
    tile: Tile, view: dict[str, float], height: int, width: int, unit: float
) -> np.ndarray:
    box = (slice(0, height), slice(0, width))
    scale = _BACKGROUND_TEXELS / (unit * view['zoom'])
    origin = (view['x'] * _BACKGROUND_TEXELS, view['y'] * _BACKGROUND_TEXELS)
    return _grid(tile, (width / 2, height / 2), view['turns'], scale, box, origin)


def _deform(points: np.ndarray, pose: Pose) -> np.ndarray:
    """Bend, taper, widen and shear an outline of unit radius; (P, 2) -> (P, 2)."""
    x, y = points[:, 0], points[:, 1]
    y = y + pose.bend * (x * x - 0.5)
    x = x * (1.0 + pose.taper * y) + pose.shear * y
    return np.stack([x * pose.aspect, y / pose.aspect], axis=1)


def _draw_object(
    frame: np.ndarray,
    item: SceneObject,
    frame_id: int,
    view: dict[str, float],
    unit: float,
    rim: int,
) -> tuple[np.ndarray, tuple[slice, slice]] | None:
    """Paint an object over the frame.

    Returns:
        tuple[np.ndarray, tuple[slice, slice]] | None: Where at least half of a
        pixel is covered, bool, shape (h, w), and its place (rows, columns) in the
        frame. None if the object is outside.
    """
    pose = item.pose(frame_id)
    height, width = frame.shape[:2]
    center = (pose.x * unit, pose.y * unit)
    radius = pose.radius * view['zoom'] * unit
    turns = pose.turns + view['turns']
    rings = [
        rotate(_deform(ring, pose), turns) * radius + np.array(center)
        for ring in contour(item.looks.category)
    ]
    drawn = rasterise(rings, height, width)
    if drawn is None:
        return None
    coverage, (left, top) = drawn
    box = (
        slice(top, top + coverage.shape[0]),
        slice(left, left + coverage.shape[1]),
    )
    colours = _grid(item.looks.tile, center, turns, _RADIUS_TEXELS / radius, box)
    colours = colours * (64 - rim * _rim(coverage))[..., None] >> 6
    weight = coverage.astype(np.int32)[..., None]
    behind = frame[box]
    behind += ((colours - behind) * weight + FULL_COVERAGE // 2) // FULL_COVERAGE
    return coverage >= FULL_COVERAGE // 2, box


def _rim(coverage: np.ndarray) -> np.ndarray:
    """Number of a pixel's 8 neighbours that are outside (int32, (h, w))."""
    padded = np.pad(coverage.astype(np.int32), 1)
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    total = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    return np.minimum((9 * FULL_COVERAGE - total) // (FULL_COVERAGE // 2), 8)


def _expose(
    frame: np.ndarray, scene: Scene, stream: RandomStream, gain: float
) -> np.ndarray:
    """Brightness, blur and noise; int32 (H, W, 3) -> uint8 of the same shape."""
    frame = frame * int(gain * 256) >> 8
    if scene.blurred:
        padded = np.pad(frame, ((1, 1), (1, 1), (0, 0)), mode='edge')
        rows = padded[:-2] + 2 * padded[1:-1] + padded[2:]
        frame = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:] + 8) >> 4
    if scene.noise > 0:
        octets = stream.octets(*frame.shape).astype(np.int32)
        frame = frame + ((octets - 128) * scene.noise >> 5)
    return np.minimum(np.maximum(frame, 0), 255).astype(np.uint8)
