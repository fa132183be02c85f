"""Base class of all clip models."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from mmdet.structures import TrackDataSample, TrackSampleList
from mmengine.model import BaseModel
from torch import Tensor, nn

from mmvis import memory_limits
from mmvis.allocator import keep_freed_memory
from mmvis.errors import UserTypeError, UserValueError
from mmvis.inference.test_cfg import TestCfg
from mmvis.inference.video_stream import VideoStream
from mmvis.models.layers import (
    FrozenBatchNorm2d,
    PointwiseConv2d,
    StemMaxPool2d,
    use_blocked_layout,
)
from mmvis.models.pretrained_weights import checked_pretrained_weights
from mmvis.models.vis.part_checks import (
    check_channels,
    check_clip_len,
    check_strides,
    check_tokens,
)
from mmvis.registry import MODELS
from mmvis.structures import AnyClipPrediction, ClipFeatures

__all__ = ['ClipVISModel']

# A multiple of every feature stride in use, so that a level's stride is exactly
# the ratio of the sizes.
_PROBE_SIZE = 128


@MODELS.register_module()
class ClipVISModel(BaseModel):
    """Backbone, necks and head over the frames of a clip.

    Backbone and necks are stages that turn :class:`ClipFeatures` into
    :class:`ClipFeatures`, the first one from the frames themselves. A stage with
    the attribute ``temporal`` is called with them as they are: if it is True, the
    stage mixes frames. Any other stage (MMDetection's) sees each frame as an image
    of its own. The stages before the first temporal one run once per frame, whatever
    the overlap of clips at test time.

    Args:
        backbone (dict): Config of the backbone.
        head (dict): Config of the head.
        neck (dict | Sequence[dict], optional): Config of the neck, or of several
            in the order in which they run.
        test_cfg (dict, optional): How videos are cut into clips and joined, see
            :class:`TestCfg`.
        data_preprocessor (dict, optional): Config of the preprocessor.
        init_cfg (dict, optional): Initialisation config.

    Raises:
        ValueError: If the ``in_channels`` of a part are not what arrives there, or
            clips at test time are longer than the head's ``clip_len``.
    """

    def __init__(
        self,
        backbone: dict,
        head: dict,
        neck: dict | Sequence[dict] | None = None,
        test_cfg: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.backbone = MODELS.build(backbone)
        necks = [] if neck is None else [neck] if isinstance(neck, dict) else neck
        self.necks = nn.ModuleList(_build_neck(cfg) for cfg in necks)
        self.head = MODELS.build(head)
        self.test_cfg = TestCfg.from_dict(test_cfg)
        check_clip_len(self.head, self.test_cfg)
        PointwiseConv2d.convert(self)
        StemMaxPool2d.convert(self)
        FrozenBatchNorm2d.convert(self)
        use_blocked_layout(self)
        keep_freed_memory()
        self.autocast_dtype: torch.dtype | None = None  # see `make_fast`
        self._streams: dict[int, VideoStream] = {}  # by video id, of `predict`
        self._stage_strides = self._probe_strides()

    def init_weights(self) -> None:
        """Initialise all parts; pretrained weights must be those of their part.

        Raises:
            ValueError: If a checkpoint of an ``init_cfg`` is of another network.
        """
        with checked_pretrained_weights(self):
            super().init_weights()

    @property
    def stages(self) -> list[nn.Module]:
        """Backbone and necks, in the order in which they run."""
        return [self.backbone, *self.necks]

    @property
    def num_frame_stages(self) -> int:
        """Number of stages before the first one that mixes frames."""
        temporal = [_is_temporal(stage) for stage in self.stages]
        return temporal.index(True) if True in temporal else len(temporal)

    def forward(
        self,
        inputs: Tensor,
        data_samples: TrackSampleList | None = None,
        mode: str = 'tensor',
    ) -> dict[str, Tensor] | TrackSampleList:
        """Run in one of MMEngine's three modes.

        Args:
            inputs (Tensor): Normalised frames, shape (B, T, 3, H, W).
            data_samples (list[TrackDataSample], optional): One for each clip;
                gives the unpadded size of its frames and the ground truth.
            mode (str): 'tensor' for the head's raw outputs, 'loss' for a dict of
                losses, 'predict' for :meth:`predict`. Defaults to 'tensor'.

        Returns:
            dict | list[TrackDataSample]: According to ``mode``.

        Raises:
            TypeError: If ``inputs`` is not a tensor.
            ValueError: If it has not five axes or the mode is unknown.
        """
        if not isinstance(inputs, Tensor):
            raise UserTypeError(
                f'`inputs` must be a tensor, got a {type(inputs).__name__}. In a '
                'config, set model.data_preprocessor.'
            )
        if inputs.dim() != 5:
            raise UserValueError(
                f'`inputs` must have shape (B, T, 3, H, W), got {tuple(inputs.shape)}. '
                'Add the axes of clips and frames, e.g. `frames[None]`.'
            )
        if mode == 'tensor':
            with self._autocast():
                return self.head(self.extract_feat(inputs, data_samples))
        if mode == 'loss':
            return self.loss(inputs, data_samples)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        raise UserValueError(
            f"`mode` must be 'tensor', 'loss' or 'predict', got '{mode}'."
        )

    def loss(self, inputs: Tensor, data_samples: TrackSampleList) -> dict[str, Tensor]:
        """Losses of annotated clips (B, T, 3, H, W)."""
        return self.head.loss(self.extract_feat(inputs, data_samples), data_samples)

    @torch.no_grad()
    def predict(
        self, inputs: Tensor, data_samples: TrackSampleList
    ) -> list[TrackDataSample]:
        """Take the next frames of a video; return its tracks after the last ones.

        For loops over a data set, which call the model chunk by chunk. Frames of a
        video come in order, in chunks of any size; chunks of several videos may take
        turns. A chunk that begins with frame 0 begins a video; the one that holds its
        last frame ends it. Everywhere else :meth:`open_stream` is simpler.

        Args:
            inputs (Tensor): A chunk of one video, shape (1, t, 3, H, W).
            data_samples (list[TrackDataSample]): One, whose frames have the meta
                information ``frame_id``, ``video_len``, ``video_id`` and
                ``ori_shape``.

        Returns:
            list[TrackDataSample]: One. If the video ended, with its record as
            ``pred_track_instances``, see :meth:`VideoStream.record`.

        Raises:
            ValueError: If there is more than one clip, or frames were left out.
        """
        if len(data_samples) != 1:
            raise UserValueError(
                f'Videos are predicted one at a time, got {len(data_samples)}. Set '
                '`batch_size` of val_dataloader and test_dataloader to 1.'
            )
        first, last = data_samples[0][0], data_samples[0][-1]
        video_id, video_len = first.video_id, first.video_len
        ori_shape = tuple(first.ori_shape[:2])
        if first.frame_id == 0 or video_id not in self._streams:
            self._streams[video_id] = self.open_stream(ori_shape, video_len)
        self._streams[video_id].push(inputs, data_samples)
        result = TrackDataSample(
            metainfo=dict(video_id=video_id, video_len=video_len, ori_shape=ori_shape)
        )
        if last.frame_id == video_len - 1:
            stream = self._streams.pop(video_id)
            stream.end()
            result.pred_track_instances = stream.record()
        return [result]

    def open_stream(
        self,
        ori_shape: tuple[int, int],
        video_len: int | None = None,
        keep_record: bool = True,
    ) -> VideoStream:
        """Begin a video; any number of streams can be fed in turn.

        Args:
            ori_shape (tuple[int, int]): Height and width of the video, pixels.
            video_len (int | None): Number of its frames, if it is known. Defaults to
                None.
            keep_record (bool): Whether :meth:`VideoStream.record` will be asked for;
                without it memory does not grow with the video. Defaults to True.

        Returns:
            VideoStream: Takes frames as ``inputs`` and ``data_samples`` of
            :meth:`predict`, returns each frame's tracks as soon as they are final.

        Example:
            >>> stream = model.open_stream(ori_shape=(720, 1280), keep_record=False)
            >>> for inputs, data_samples in preprocessed_chunks:
            ...     for frame in stream.push(inputs, data_samples):
            ...         print(frame.frame_id, frame.track_ids, frame.bboxes)
            >>> last_frames = stream.end()
        """
        return VideoStream(
            self,
            self.test_cfg,
            ori_shape=ori_shape,
            video_len=video_len,
            keep_record=keep_record,
        )

    def predict_clip(
        self, features: ClipFeatures, state: Any = None
    ) -> tuple[AnyClipPrediction, Any]:
        """Predict the objects of one clip of a video.

        Args:
            features (ClipFeatures): Of :meth:`encode_frames`, B = 1.
            state (Any): What this method returned with the clip before of the same
                video, None for its first clip. The caller keeps it: the model itself
                knows of no video. Models without a state return None.

        Returns:
            tuple[AnyClipPrediction, Any]: The prediction, and the state for the next
            clip.
        """
        with self._autocast():
            predictions, state = self.head.predict(self.encode_clip(features), state)
        return predictions[0], state

    def extract_feat(
        self, inputs: Tensor, data_samples: TrackSampleList | None = None
    ) -> ClipFeatures:
        """Run all stages on clips (B, T, 3, H, W)."""
        return self.encode_clip(self.extract_frame_feat(inputs, data_samples))

    def extract_frame_feat(
        self, inputs: Tensor, data_samples: TrackSampleList | None = None
    ) -> ClipFeatures:
        """Run the stages before the first one that mixes frames.

        Args:
            inputs (Tensor): Shape (B, T, 3, H, W).
            data_samples (list[TrackDataSample], optional): ``img_shape`` of their
                frames tells what of ``inputs`` is not padding.

        Returns:
            ClipFeatures: Input of :meth:`encode_clip`, for these frames.
        """
        sizes = _frame_sizes(inputs, data_samples)
        padding_mask = _padding_mask(inputs, sizes)
        features = ClipFeatures((inputs,), (1,), (padding_mask,), frame_sizes=sizes)
        return self._run_stages(features, 0, self.num_frame_stages)

    def encode_frames(
        self, inputs: Tensor, data_samples: TrackSampleList | None = None
    ) -> ClipFeatures:
        """Do all work on frames that does not depend on the other frames of a clip.

        After the per-frame stages it is that of the parts behind them: the first of
        these may have a method ``prepare_frames(features)``, which returns features
        with some levels among their ``prepared`` ones, and leaves those that are. If
        all other stages are ``coarsest_only``, the finer levels reach the head as they
        are here, and the head may prepare them.

        Args:
            inputs (Tensor): Shape (B, T, 3, H, W).
            data_samples (list[TrackDataSample], optional): As of
                :meth:`extract_frame_feat`.

        Returns:
            ClipFeatures: Input of :meth:`encode_clip`; the same results follow from
            :meth:`extract_frame_feat`, with more work for each clip.
        """
        stages = self.stages[self.num_frame_stages :]
        parts = [*stages[:1]]
        if all(getattr(stage, 'coarsest_only', False) for stage in stages):
            parts.append(self.head)
        with self._autocast():
            features = self.extract_frame_feat(inputs, data_samples)
            for part in parts:
                prepare_frames = getattr(part, 'prepare_frames', None)
                if prepare_frames is not None:
                    features = prepare_frames(features)
        return features

    def encode_clip(self, features: ClipFeatures) -> ClipFeatures:
        """Run the stages from the first that mixes frames, on whole clips.

        A head whose ``clip_len`` is fixed gets clips of that length: shorter ones
        repeat their frames in turn, and the head leaves the repetitions out again.

        Raises:
            ValueError: If clips are longer than that.
        """
        clip_len = getattr(self.head, 'clip_len', None)
        if clip_len is not None:
            if features.num_frames > clip_len:
                raise UserValueError(
                    f'{type(self.head).__name__} was built for clips of at most '
                    f'head.clip_len={clip_len} frames, got {features.num_frames}. Set '
                    f'model.test_cfg.clip_len={clip_len}, or less, and longer videos '
                    'are cut into clips.'
                )
            features = features.repeat_frames(clip_len)
        return self._run_stages(features, self.num_frame_stages, len(self.stages))

    def _autocast(self) -> AbstractContextManager:
        if self.autocast_dtype is None:
            return nullcontext()
        device = next(self.parameters()).device.type
        return torch.autocast(device, self.autocast_dtype)

    def _run_stages(self, features: ClipFeatures, first: int, end: int) -> ClipFeatures:
        for stage, strides in zip(
            self.stages[first:end], self._stage_strides[first:end]
        ):
            if _reads_features(stage):
                features = _run_on_features(stage, features)
            else:
                maps = _run_per_frame(stage, features)
                features = _with_maps(features, maps, strides)
        return features

    @torch.no_grad()
    def _probe_strides(self) -> list[tuple[int, ...]]:
        """Pass a tiny clip through the stages; compare channels on the way.

        Returns:
            list[tuple[int]]: Feature strides after each stage.
        """
        was_training = self.training
        self.eval()
        frames = torch.zeros(1, 2, 3, _PROBE_SIZE, _PROBE_SIZE)
        features = ClipFeatures((frames,), (1,), (frames[:, :, 0] > 0,))
        all_strides, source = [], 'the frames'
        for stage in self.stages:
            check_channels(source, features, stage)
            if _reads_features(stage):
                features = stage(features)
                strides = features.feat_strides
            else:
                maps = _run_per_frame(stage, features)
                strides = tuple(_PROBE_SIZE // m.shape[-1] for m in maps)
                features = _with_maps(features, maps, strides)
            all_strides.append(strides)
            source = type(stage).__name__
        check_channels(source, features, self.head)
        check_tokens(source, features, self.head)
        check_strides(source, features, self.head)
        self.train(was_training)
        return all_strides


def _build_neck(cfg: dict) -> nn.Module:
    neck = MODELS.build(cfg)
    # Not every neck of MMDetection keeps what the channels are compared with.
    if not hasattr(neck, 'in_channels') and 'in_channels' in cfg:
        neck.in_channels = list(cfg['in_channels'])
    return neck


def _is_temporal(stage: nn.Module) -> bool:
    return getattr(stage, 'temporal', False)


def _reads_features(stage: nn.Module) -> bool:
    return hasattr(stage, 'temporal')


def _run_on_features(stage: nn.Module, features: ClipFeatures) -> ClipFeatures:
    """Without gradients, run some frames at a time if no frame sees another."""
    num_clips, num_frames = features.maps[0].shape[:2]
    at_once = max(1, _frames_at_once(features) // num_clips)
    if _is_temporal(stage) or torch.is_grad_enabled() or num_frames <= at_once:
        return stage(features)
    starts = range(0, num_frames, at_once)
    return ClipFeatures.cat(
        [stage(features.select_frames(start, start + at_once)) for start in starts]
    )


def _frames_at_once(features: ClipFeatures) -> int:
    finest = features.maps[0]
    num_pixels = finest[0, 0, 0].numel() * features.feat_strides[0] ** 2
    return memory_limits.frames_at_once(finest, num_pixels)


def _run_per_frame(stage: nn.Module, features: ClipFeatures) -> Sequence[Tensor]:
    """Fold time into the batch; without gradients, run some frames at a time."""
    maps = [m.flatten(0, 1) for m in features.maps]
    num_frames = len(maps[0])
    at_once = _frames_at_once(features)
    if torch.is_grad_enabled() or num_frames <= at_once:
        return _run_on_images(stage, maps, features)
    outputs: list[Tensor] = []
    for begin in range(0, num_frames, at_once):
        part = slice(begin, begin + at_once)
        results = _run_on_images(stage, [m[part] for m in maps], features)
        if not outputs:
            outputs = [_empty_maps(m, num_frames) for m in results]
        for output, result in zip(outputs, results):
            output[part] = result
    return outputs


def _empty_maps(maps: Tensor, num_frames: int) -> Tensor:
    """Room for the maps of more frames, in the layout of these."""
    last = torch.channels_last
    is_last = not maps.is_contiguous() and maps.is_contiguous(memory_format=last)
    layout = last if is_last else torch.contiguous_format
    shape = (num_frames, *maps.shape[1:])
    return torch.empty(
        shape, dtype=maps.dtype, device=maps.device, memory_format=layout
    )


def _run_on_images(
    stage: nn.Module, maps: list[Tensor], features: ClipFeatures
) -> Sequence[Tensor]:
    """A single map goes in as a tensor, as images do."""
    return stage(maps[0] if features.feat_strides == (1,) else maps)


def _with_maps(
    features: ClipFeatures, maps: Sequence[Tensor], strides: tuple[int, ...]
) -> ClipFeatures:
    """Put maps (B*T, C_l, H_l, W_l) in place of the ones of ``features``."""
    B, T = features.maps[0].shape[:2]
    finest, padding_mask = features.feat_strides[0], features.padding_masks[0]
    steps = [stride // finest for stride in strides]
    return features.replace(
        maps=tuple(m.unflatten(0, (B, T)) for m in maps),
        feat_strides=strides,
        prepared=frozenset(),
        # The first ceil(h / stride) rows of a frame of height h are its own.
        padding_masks=tuple(padding_mask[..., ::s, ::s] for s in steps),
    )


def _frame_sizes(
    inputs: Tensor, data_samples: TrackSampleList | None
) -> tuple[tuple[int, int], ...]:
    """Height and width of each clip's frames without padding."""
    if data_samples is None:
        H, W = inputs.shape[-2:]
        return ((H, W),) * len(inputs)
    return tuple((h, w) for h, w, *_ in (s[0].img_shape for s in data_samples))


def _padding_mask(inputs: Tensor, sizes: Sequence[tuple[int, int]]) -> Tensor:
    """True outside of the frames, shape (B, T, H, W)."""
    B, T, _, H, W = inputs.shape
    mask = inputs.new_zeros((B, T, H, W), dtype=torch.bool)
    for b, (h, w) in enumerate(sizes):
        mask[b, :, h:] = True
        mask[b, :, :, w:] = True
    return mask
