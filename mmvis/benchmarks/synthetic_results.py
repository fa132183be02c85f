"""A large synthetic YouTube-VIS case: ground truth and a results file."""

from __future__ import annotations

import numpy as np
from pycocotools import mask as mask_utils

__all__ = ['make_case']

NUM_CATEGORIES = 40


def _outline(rng: np.random.Generator, size: tuple[int, int], num_frames: int) -> dict:
    """Draw the path, radii and wobble of one object's outline."""
    h, w = size
    return dict(
        centre=rng.uniform(0.15, 0.85, 2) * (h, w),
        speed=rng.normal(0, 0.012, 2) * (h, w),
        radii=rng.uniform(0.12, 0.35, 2) * min(h, w),
        wobble=rng.uniform(0, 0.25),
        phase=rng.uniform(0, 2 * np.pi),
        first=int(rng.integers(0, max(1, num_frames // 6))),
        last=num_frames - int(rng.integers(0, max(1, num_frames // 6))),
    )


def _perturb(rng: np.random.Generator, outline: dict, size: tuple[int, int]) -> dict:
    """Return an outline shifted, scaled and cut like an imperfect prediction."""
    other = dict(outline)
    amount = rng.choice([0.02, 0.06, 0.15])
    other['centre'] = outline['centre'] + rng.normal(0, amount, 2) * min(size)
    other['radii'] = outline['radii'] * np.exp(rng.normal(0, amount, 2))
    other['phase'] = outline['phase'] + rng.normal(0, 3 * amount)
    other['first'] = outline['first'] + int(rng.integers(0, 3))
    return other


def _draw(outline: dict, size: tuple[int, int], num_frames: int) -> list[dict | None]:
    """Rasterise an outline into one compressed RLE (or None) per frame."""
    path = outline['centre'] + np.outer(np.arange(num_frames), outline['speed'])
    cy, cx = path.T.astype(np.float32)[:, None, None]
    ry, rx = outline['radii'].astype(np.float32)
    y = (np.arange(size[0], dtype=np.float32)[:, None, None] - cy) / ry
    x = (np.arange(size[1], dtype=np.float32)[None, :, None] - cx) / rx
    phases = outline['phase'] + 0.2 * np.arange(num_frames)
    real, imag = (outline['wobble'] * f(phases) for f in (np.cos, np.sin))
    # r < 1 + wobble * sin(3 * angle + phase), without computing the angles.
    squares = y * y + x * x + np.float32(1e-6)  # (H, W, T)
    sine = y * (4 * x * x - squares)
    cosine = x * (squares - 4 * y * y)
    waves = sine * real.astype(np.float32) + cosine * imag.astype(np.float32)
    masks = np.asfortranarray(np.sqrt(squares) < 1 + waves / squares**1.5, np.uint8)
    rles = mask_utils.encode(masks)
    for t, rle in enumerate(rles):
        visible = outline['first'] <= t < outline['last'] and masks[..., t].any()
        rles[t] = dict(rle, counts=rle['counts'].decode()) if visible else None
    return rles


def make_case(
    num_videos: int = 300,
    tracks_per_video: int = 100,
    size: tuple[int, int] = (36, 48),
    seed: int = 0,
) -> tuple[dict, list[dict]]:
    """Make a case of the size of a submission to YouTube-VIS.

    Most predictions of a video are of its one or two categories, as those of a
    model with many queries are: that is what makes evaluation slow.

    Args:
        num_videos (int): Number of videos of 22 to 36 frames. Defaults to 300.
        tracks_per_video (int): Predictions per video. Defaults to 100.
        size (tuple[int, int]): Height and width of a frame in pixels, around
            which the videos' sizes vary by a tenth. Defaults to (36, 48).
        seed (int): Seed of all random choices. Defaults to 0.

    Returns:
        tuple: The ground truth (dict) and the results (list of dict), both as
        their json files would be parsed.
    """
    rng = np.random.default_rng(seed)
    videos: list[dict] = []
    annotations: list[dict] = []
    results: list[dict] = []
    for video_id in range(1, num_videos + 1):
        num_frames = int(rng.integers(22, 37))
        height, width = (int(s * rng.uniform(0.9, 1.1)) for s in size)
        hw = (height, width)
        videos.append(dict(id=video_id, height=height, width=width, length=num_frames))
        cats = [int(c) for c in rng.choice(NUM_CATEGORIES, 2, replace=False) + 1]
        outlines = [_outline(rng, hw, num_frames) for _ in range(rng.integers(4, 15))]
        labels = rng.choice(cats, len(outlines), p=[0.95, 0.05])
        for outline, label in zip(outlines, labels):
            rles = _draw(outline, hw, num_frames)
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    video_id=video_id,
                    category_id=int(label),
                    iscrowd=int(rng.random() < 0.02),
                    segmentations=rles,
                    areas=[r and int(mask_utils.area(r)) for r in rles],
                    bboxes=[r and mask_utils.toBbox(r).tolist() for r in rles],
                )
            )
        for _ in range(tracks_per_video):
            source = int(rng.integers(len(outlines)))
            if rng.random() < 0.5:
                outline = _perturb(rng, outlines[source], hw)
            else:
                outline = _outline(rng, hw, num_frames)
            is_relabelled = rng.random() < 0.1
            category = rng.integers(NUM_CATEGORIES) + 1 if is_relabelled else None
            results.append(
                dict(
                    video_id=video_id,
                    category_id=int(labels[source] if category is None else category),
                    score=round(float(rng.random()), 3),
                    segmentations=_draw(outline, hw, num_frames),
                )
            )
    categories = [dict(id=k, name=f'c{k}') for k in range(1, NUM_CATEGORIES + 1)]
    gt = dict(videos=videos, categories=categories, annotations=annotations)
    return gt, results
