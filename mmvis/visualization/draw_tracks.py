"""Drawing of tracks on a frame."""

from collections.abc import Sequence

import cv2
import numpy as np
import pycocotools.mask as mask_api
from mmengine.structures import InstanceData

from mmvis.errors import UserValueError
from mmvis.visualization.labels import Label, LabelLayout, draw_label
from mmvis.visualization.palette import Colour, track_colour

__all__ = ['draw_tracks', 'enlargement']


def draw_tracks(
    image: np.ndarray,
    tracks: InstanceData,
    frame_id: int,
    classes: Sequence[str],
    score_thr: float = 0.3,
    *,
    alpha: float = 0.4,
    scale: int = 1,
    draw_boxes: bool = False,
    trail_len: int = 0,
    layout: LabelLayout | None = None,
) -> np.ndarray:
    """Draw the tracks of a record on one frame.

    Each track keeps one colour; tracks with a higher score lie on top.

    Args:
        image (np.ndarray): The frame, BGR, uint8, shape (H, W, 3).
        tracks (InstanceData): Record of N tracks: ``labels`` and ``instances_id``
            (N,), ``masks``, one list per track with an RLE of H x W or None for
            each frame, and, where the tracks are predicted, ``scores`` (N,).
        frame_id (int): 0-based frame of the video.
        classes (Sequence[str]): Category names in the order of the labels.
        score_thr (float): Tracks with a lower score are left out. Defaults to 0.3.
        alpha (float): Opacity of the masks, 0 to 1. Defaults to 0.4.
        scale (int): Whole factor by which the image is enlarged, so that names
            can be read on small frames. Defaults to 1.
        draw_boxes (bool): Whether boxes around the masks are drawn. Defaults to
            False.
        trail_len (int): Frames whose centres are joined to a line behind each track.
            Defaults to 0, no line.
        layout (LabelLayout, optional): One for all frames of a video, so that labels
            do not jump. Defaults to None: this frame alone.

    Returns:
        np.ndarray: A new image, BGR, uint8, shape (H * scale, W * scale, 3).

    Raises:
        ValueError: If a mask list ends before the frame, if a mask has another size
            than the image, or if a label has no name.
    """
    height, width = image.shape[:2]
    size = (width * scale, height * scale)
    picture = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
    line_width = max(1, round(min(picture.shape[:2]) / 300))
    labels = []
    for n in _shown(tracks, score_thr):
        rle = _frame_mask(tracks, n, frame_id, (height, width))
        if rle is None:
            continue
        x, y, w, h = (int(value) for value in mask_api.toBbox(rle))
        if w == 0 or h == 0:
            continue
        colour = track_colour(int(tracks.instances_id[n]))
        mask = mask_api.decode(rle)[y : y + h, x : x + w]
        _draw_mask(picture, mask, (x, y), scale, colour, alpha, line_width)
        box = (x * scale, y * scale, (x + w) * scale, (y + h) * scale)
        if draw_boxes:
            cv2.rectangle(picture, box[:2], box[2:], colour, line_width)
        if trail_len > 0:
            trail = _trail(tracks.masks[n], frame_id, trail_len) * scale
            points = [trail.round().astype(np.int32)]
            cv2.polylines(picture, points, False, colour, line_width, cv2.LINE_AA)
        text = _describe(tracks, n, classes)
        labels.append(Label(int(tracks.instances_id[n]), text, colour, box))
    layout = LabelLayout() if layout is None else layout
    for label, place in layout.arrange(labels[::-1], picture.shape[:2]):
        draw_label(picture, label, place)
    return picture


def enlargement(image: np.ndarray, shorter_side: int) -> int:
    """Smallest whole factor that makes an image (H, W, 3) at least so many pixels."""
    return max(1, -(-shorter_side // min(image.shape[:2])))


def _shown(tracks: InstanceData, score_thr: float) -> list[int]:
    """Indices of the tracks to draw, those on top last."""
    if 'scores' not in tracks:
        return list(range(len(tracks)))
    scores = [float(score) for score in tracks.scores]
    chosen = [n for n, score in enumerate(scores) if score >= score_thr]
    return sorted(chosen, key=lambda n: scores[n])


def _frame_mask(
    tracks: InstanceData, n: int, frame_id: int, size: tuple[int, int]
) -> dict | None:
    masks = tracks.masks[n]
    if frame_id >= len(masks):
        raise UserValueError(
            f'track {int(tracks.instances_id[n])} has masks for {len(masks)} frames, '
            f'but frame {frame_id} shall be drawn; are these the frames of its video?'
        )
    rle = masks[frame_id]
    if rle is not None and tuple(rle['size']) != size:
        raise UserValueError(
            f'track {int(tracks.instances_id[n])} has a mask of (h, w) = '
            f'{tuple(rle["size"])} in frame {frame_id}, but the image is {size}'
        )
    return rle


def _draw_mask(
    picture: np.ndarray,
    mask: np.ndarray,
    corner: tuple[int, int],
    scale: int,
    colour: Colour,
    alpha: float,
    line_width: int,
) -> None:
    """Blend a cropped mask (h, w) into the enlarged image, and outline it."""
    h, w = mask.shape
    mask = cv2.resize(
        np.ascontiguousarray(mask),
        (w * scale, h * scale),
        interpolation=cv2.INTER_NEAREST,
    )
    x, y = corner[0] * scale, corner[1] * scale
    crop = picture[y : y + h * scale, x : x + w * scale]
    tint = np.full_like(crop, colour)
    blended = cv2.addWeighted(crop, 1 - alpha, tint, alpha, 0)
    cv2.copyTo(blended, mask, crop)
    outlines, _ = cv2.findContours(
        mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE, offset=(x, y)
    )
    # A dark rim shows the outline on a background of the same colour.
    rim = tuple(value // 4 for value in colour)
    cv2.drawContours(picture, outlines, -1, rim, line_width + 2, cv2.LINE_AA)
    cv2.drawContours(picture, outlines, -1, colour, line_width, cv2.LINE_AA)


def _trail(masks: Sequence[dict | None], frame_id: int, trail_len: int) -> np.ndarray:
    """Centres of a track's boxes in the last frames, xy, shape (n, 2)."""
    past = masks[max(frame_id - trail_len, 0) : frame_id + 1]
    boxes = np.array([mask_api.toBbox(rle) for rle in past if rle]).reshape(-1, 4)
    return boxes[:, :2] + boxes[:, 2:] / 2


def _describe(tracks: InstanceData, n: int, classes: Sequence[str]) -> str:
    """Name, id and, if there is one, score of a track."""
    label = int(tracks.labels[n])
    if not 0 <= label < len(classes):
        raise UserValueError(
            f'track {int(tracks.instances_id[n])} has label {label}, but there are '
            f'{len(classes)} class names'
        )
    text = f'{classes[label]} #{int(tracks.instances_id[n])}'
    if 'scores' in tracks:
        text += f' {float(tracks.scores[n]):.2f}'
    return text
