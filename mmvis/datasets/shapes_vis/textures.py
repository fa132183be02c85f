"""Seamless colour textures in integer arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .random_stream import RandomStream

Colour = tuple[int, int, int]

PATTERNS = ('stripes', 'checker', 'dots', 'blobs', 'marble')
_LANE = 20  # bits per channel of a packed colour
_WEIGHT = 4  # bits of an interpolation weight


@dataclass(frozen=True)
class Tile:
    """A square texture that repeats in both directions.

    Args:
        packed (np.ndarray): Colours r + (g << 20) + (b << 40), uint64, shape (S*S,):
            the three channels of a sample are interpolated in one multiplication.
        size (int): Side S in texels, a power of two.
    """

    packed: np.ndarray
    size: int


def value_noise(stream: RandomStream, size: int, num_cells: int) -> np.ndarray:
    """Smooth random values on a torus.

    Args:
        stream (RandomStream): Source of the lattice values.
        size (int): Side S of the result in texels.
        num_cells (int): Lattice cells per side; divides ``size``.

    Returns:
        np.ndarray: Values from 0 to 255, int64, shape (S, S).
    """
    lattice = stream.octets(num_cells, num_cells).astype(np.int64)
    cell = size // num_cells
    index = np.arange(size) // cell
    offset = np.arange(size) % cell
    weight = 64 * offset * offset * (3 * cell - 2 * offset) // cell**3  # 0 to 64
    following = (index + 1) % num_cells
    by_row = lattice[index] * (64 - weight[:, None])
    by_row += lattice[following] * weight[:, None]  # (S, cells)
    return (by_row[:, index] * (64 - weight) + by_row[:, following] * weight) >> 12


def pattern(stream: RandomStream, size: int, kind: str) -> np.ndarray:
    """Draw a pattern that mixes two colours.

    Args:
        stream (RandomStream): Source of period, direction and phase.
        size (int): Side S in texels, a power of two, at least 64.
        kind (str): One of `PATTERNS`.

    Returns:
        np.ndarray: Share of the second colour, 0 to 255, int64, shape (S, S).
    """
    if kind == 'marble':
        return value_noise(stream, size, size // stream.choice((16, 32)))
    if kind == 'blobs':
        noise = value_noise(stream, size, size // stream.choice((8, 16)))
        return np.minimum(np.maximum((noise - 128) * 12 + 128, 0), 255)
    period = stream.choice((8, 16))
    y, x = np.arange(size)[:, None], np.arange(size)
    if kind == 'stripes':
        across, down = stream.choice(((1, 0), (0, 1), (1, 1), (1, -1), (2, 1)))
        bright = (across * x + down * y) % period < period // 2
    elif kind == 'checker':
        bright = (x % period < period // 2) ^ (y % period < period // 2)
    else:
        u, v = x % period - period // 2, y % period - period // 2
        bright = u * u + v * v < period * period // 9
    return np.where(bright, 255, 0)


def mix(share: np.ndarray, first: Colour, second: Colour) -> np.ndarray:
    """Blend two colours by a share of 0 to 255; (S, S) -> (S, S, 3), int64."""
    share = share[..., None]
    return (np.array(first) * (255 - share) + np.array(second) * share + 127) // 255


def make_tile(colours: np.ndarray) -> Tile:
    """Pack the colours of a square texture.

    Args:
        colours (np.ndarray): r, g, b, clipped to 0 to 255 here; integers of shape
            (S, S, 3).

    Returns:
        Tile: The texture, ready to be sampled.
    """
    colours = np.minimum(np.maximum(colours, 0), 255).astype(np.uint64)
    lanes = [colours[..., i] << np.uint64(i * _LANE) for i in range(3)]
    return Tile((lanes[0] | lanes[1] | lanes[2]).reshape(-1), len(colours))


def sample(tile: Tile, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Read a tile between its texels, by linear interpolation.

    Args:
        tile (Tile): The texture.
        u (np.ndarray): Columns in texels, float64, shape (h, w).
        v (np.ndarray): Rows in texels, float64, shape (h, w).

    Returns:
        np.ndarray: Colours r, g, b from 0 to 255, int32, shape (h, w, 3).
    """
    one = 1 << _WEIGHT
    u = np.floor(u * one).astype(np.int64)
    v = np.floor(v * one).astype(np.int64)
    wrap = tile.size - 1
    col, row = (u >> _WEIGHT) & wrap, ((v >> _WEIGHT) & wrap) * tile.size
    next_col = (col + 1) & wrap
    next_row = (row + tile.size) & (tile.size * tile.size - 1)
    right, down = (u & (one - 1)), (v & (one - 1))
    left, up = one - right, one - down

    half = 1 << (2 * _WEIGHT - 1)
    total = np.array(sum(half << (i * _LANE) for i in range(3)), dtype=np.uint64)
    for index, weight in (
        (row + col, up * left),
        (row + next_col, up * right),
        (next_row + col, down * left),
        (next_row + next_col, down * right),
    ):
        total = total + tile.packed[index] * weight.astype(np.uint64)
    shifts = [np.uint64(i * _LANE + 2 * _WEIGHT) for i in range(3)]
    lanes = [(total >> shift) & np.uint64(255) for shift in shifts]
    return np.stack(lanes, axis=-1).astype(np.int32)
