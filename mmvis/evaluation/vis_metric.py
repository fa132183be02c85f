"""Metric of video instance segmentation."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmvis.datasets.class_map import ClassMap
from mmvis.errors import UserValueError
from mmvis.evaluation.json_files import read_ground_truth
from mmvis.evaluation.report import make_report
from mmvis.evaluation.short_long import find_long_videos
from mmvis.evaluation.submission import tracks_to_results, write_submission
from mmvis.registry import METRICS

__all__ = ['VISMetric']


@METRICS.register_module()
class VISMetric(BaseMetric):
    """YouTube-VIS metrics of whole videos, and the files that servers take.

    The ground truth is the json as downloaded, so that the numbers are those of the
    official evaluator. Where it has no annotations, or ``format_only`` is set, the
    results are written and nothing is scored.

    Args:
        ann_file (str | None): Ground-truth json. Defaults to None, the file of the
            data set that is evaluated.
        format_only (bool): Write the results without scoring. Defaults to False.
        outfile_prefix (str | None): Results are checked and written to
            ``<prefix>.json`` and ``<prefix>.submission_file.zip``. Defaults to None,
            'results' if nothing can be scored and no files otherwise.
        min_long_len (int | None): With this, videos of at least so many frames are
            evaluated apart, as the long ones of 2022. Defaults to None.
        short_ann_file (str | None): The other way to separate them: a json whose
            videos are the short ones, as that of 2021. Defaults to None.
        backend_args (dict | None): Arguments of mmengine's file backend for the
            annotation files. Defaults to None.
        collect_device (str): 'cpu' or 'gpu', see mmengine. Defaults to 'cpu'.
        prefix (str | None): Prefix of the metrics' names. Defaults to None,
            'youtube_vis'.
        collect_dir (str | None): Folder to gather results in, see mmengine.
    """

    default_prefix = 'youtube_vis'

    def __init__(
        self,
        ann_file: str | None = None,
        format_only: bool = False,
        outfile_prefix: str | None = None,
        min_long_len: int | None = None,
        short_ann_file: str | None = None,
        backend_args: dict | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        if min_long_len is not None and short_ann_file is not None:
            raise UserValueError(
                'Give `min_long_len` or `short_ann_file` to separate short videos from '
                'long ones, not both.'
            )
        self.ann_file = ann_file
        self.format_only = format_only
        self.outfile_prefix = outfile_prefix
        self.min_long_len = min_long_len
        self.short_ann_file = short_ann_file
        self.backend_args = backend_args
        self._gt: dict | None = None
        self._gt_file: str | None = None

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the tracks of the videos that end in this batch.

        Args:
            data_batch (Any): Not used.
            data_samples (Sequence[dict]): Samples with ``video_id`` and, for the
                last chunk of a video, ``pred_track_instances``: ``labels`` and
                ``scores``, shape (N,), and ``masks``, N lists with one compressed
                RLE or None per frame.
        """
        if is_main_process():
            self._ground_truth()  # an invalid file fails before hours of inference
        for sample in data_samples:
            if 'pred_track_instances' not in sample:
                continue
            entries = tracks_to_results(
                sample['video_id'], sample['pred_track_instances'], self._cat_ids()
            )
            # As text: a tenth of the memory of the objects, and quick to gather.
            self.results.append((int(sample['video_id']), json.dumps(entries)))

    @property
    def ground_truth_file(self) -> str:
        """The annotation file, that of the data set unless another one is given."""
        path = self.ann_file or (self.dataset_meta or {}).get('ann_file')
        if path is None:
            raise UserValueError(
                'VISMetric needs the annotation file: set `ann_file` of the evaluator, '
                'or use a data set whose metainfo has it.'
            )
        return path

    @property
    def has_annotations(self) -> bool:
        """Whether there is anything to compute AP with."""
        return bool(self._ground_truth().get('annotations'))

    def check_videos(self, records: Iterable[dict]) -> None:
        """Check that the annotation file is that of the videos.

        Args:
            records (Iterable[dict]): ``video_id`` and ``img_paths`` of the videos that
                are predicted.

        Raises:
            ValueError: If the file has not a video of this id and with these frames.
        """
        known = {video['id']: video for video in self._ground_truth()['videos']}
        for record in records:
            video, paths = known.get(record['video_id']), record['img_paths']
            names = () if video is None else video['file_names']
            if len(names) != len(paths) or not all(map(str.endswith, paths, names)):
                raise UserValueError(
                    f'{self.ground_truth_file}: "videos" has no id '
                    f'{record["video_id"]} with the frames of this video of the data '
                    f'set, {paths[0]} and so on. Leave out `ann_file` of the '
                    'evaluator, or set it to the file of the data set.'
                )

    def evaluate(self, size: int) -> dict:
        """Gather the videos of all ranks and evaluate them.

        Args:
            size (int): Not used. mmengine cuts the gathered results to it, which
                drops videos if ranks hold different numbers of them; videos that a
                sampler repeats are dropped by their id here instead.

        Returns:
            dict: Metrics by name, see :meth:`compute_metrics`.
        """
        return super().evaluate(sys.maxsize)

    def compute_metrics(self, results: list[tuple[int, str]]) -> dict[str, float]:
        """Write the results, score them, or both.

        Args:
            results (list[tuple[int, str]]): Video ids and the json of their entries.

        Returns:
            dict[str, float]: AP, AP50, AP75, APs, APm, APl, AR1, AR10, AR100, ARs,
            ARm and ARl, unrounded; with short and long videos apart their means,
            and each also with the ending _S and _L. Empty if nothing is scored.
        """
        gt = self._ground_truth()
        by_video = dict(reversed(results))  # the first of repeated videos stays
        entries = []
        for video in gt['videos']:
            entries += json.loads(by_video.get(video['id'], '[]'))
        num_missing = sum(video['id'] not in by_video for video in gt['videos'])
        if num_missing:
            print_log(
                f'{num_missing} of {len(gt["videos"])} videos of {self._gt_file} were '
                'not predicted; their instances count as missed.',
                logger='current',
                level=logging.WARNING,
            )
        is_scored = self.has_annotations and not self.format_only
        if self.outfile_prefix is not None or not is_scored:
            files = write_submission(entries, gt, self.outfile_prefix or 'results')
            paths = ' and '.join(str(Path(file).resolve()) for file in files)
            print_log(f'Wrote {len(entries)} tracks to {paths}.', logger='current')
        if not is_scored:
            reason = (
                '`format_only` is set'
                if self.format_only
                else f'{self._gt_file} has no annotations'
            )
            print_log(f'Nothing is scored: {reason}.', logger='current')
            return {}
        report = make_report(gt, entries, self._long_ids(gt))
        names = {category['id']: category['name'] for category in gt['categories']}
        print_log(f'\n{report.tables(names)}', logger='current')
        return report.flat_stats()

    def _cat_ids(self) -> list[int]:
        """Category id of each label."""
        cat_ids = (self.dataset_meta or {}).get('cat_ids')
        if cat_ids is not None:
            return list(cat_ids)
        return sorted(category['id'] for category in self._ground_truth()['categories'])

    def _ground_truth(self) -> dict:
        """Read the annotation file, once; keep the categories of the data set."""
        path = self.ground_truth_file
        if self._gt is None or self._gt_file != path:
            gt = self._read(path)
            meta = self.dataset_meta or {}
            cat_ids = meta.get('cat_ids')
            if meta.get('class_map') is not None:
                gt = _merge_categories(gt, meta['class_map'], meta['classes'], path)
            elif cat_ids is not None:
                gt['categories'] = [c for c in gt['categories'] if c['id'] in cat_ids]
            self._gt, self._gt_file = gt, path
        return self._gt

    def _long_ids(self, gt: dict) -> set[int] | None:
        if self.short_ann_file is not None:
            return find_long_videos(gt, short_gt=self._read(self.short_ann_file))
        if self.min_long_len is not None:
            return find_long_videos(gt, min_long_len=self.min_long_len)
        return None

    def _read(self, path: str) -> dict:
        return read_ground_truth(path, self.backend_args)


def _merge_categories(
    gt: dict, class_map: dict[str, str], classes: Sequence[str], path: str
) -> dict:
    """Merge the categories of a ground truth as the data set merges its own."""
    names = {category['id']: category['name'] for category in gt['categories']}
    table = ClassMap(class_map, names, classes, path)
    by_video: dict[int, list[dict]] = {video['id']: [] for video in gt['videos']}
    for annotation in gt['annotations']:
        by_video[annotation['video_id']].append(annotation)
    annotations = [
        dict(annotation, category_id=label + 1)
        for video in gt['videos']
        for annotation, label in table.join(
            by_video[video['id']], (video['height'], video['width'])
        )
    ]
    categories = [dict(id=i, name=name) for i, name in enumerate(table.classes, 1)]
    return dict(gt, annotations=annotations, categories=categories)
