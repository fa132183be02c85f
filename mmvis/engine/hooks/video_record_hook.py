"""Keeps the results of finished videos, so that a test can be taken up again."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from mmdet.structures import TrackDataSample
from mmengine.dist import barrier, is_main_process
from mmengine.fileio import dump, load
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvis.errors import UserValueError
from mmvis.registry import HOOKS
from mmvis.structures import read_video_record, write_video_record

__all__ = ['VideoRecordHook']


@HOOKS.register_module()
class VideoRecordHook(Hook):
    """Write the tracks of each video when it is finished; skip videos on resume.

    A record is one json file, see :func:`mmvis.structures.write_video_record`.
    Records of an earlier run are taken only if it was the same test.

    Args:
        out_dir (str): Folder of the records, for this hook alone.
        run_id (dict[str, str]): What the results follow from, by config key or
            option, for example a checkpoint's checksum.
        resume (bool): Take the records that are there; if False, they are removed.
            Defaults to False.
    """

    def __init__(
        self, out_dir: str, run_id: dict[str, str], resume: bool = False
    ) -> None:
        self.out_dir = Path(out_dir)
        self.run_id = dict(run_id)
        self.resume = resume

    def before_test_epoch(self, runner: Runner) -> None:
        """Hand the finished videos of this rank to the evaluator.

        Raises:
            ValueError: If the records are of another test.
        """
        if is_main_process():
            self._prepare_folder()
        barrier()
        self.out_dir.mkdir(parents=True, exist_ok=True)  # on every machine
        dataset = runner.test_loop.dataloader.dataset
        sampler = runner.test_loop.dataloader.sampler
        finished = []
        for video_idx in list(sampler.video_lens):
            path = self._path(dataset.get_data_info(video_idx)['video_id'])
            if path.is_file():
                finished.append(read_video_record(path))
                del sampler.video_lens[video_idx]
        if finished:
            runner.logger.info(
                f'{len(finished)} videos are finished, {len(sampler.video_lens)} are '
                f'left (records: {self.out_dir}).'
            )
            runner.test_loop.evaluator.process(data_samples=finished)

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[TrackDataSample] | None = None,
    ) -> None:
        """Write the record of a video that ended."""
        classes = runner.test_loop.dataloader.dataset.metainfo['classes']
        for sample in outputs or ():
            if 'pred_track_instances' in sample:
                write_video_record(sample, self._path(sample.video_id), classes)

    def _path(self, video_id: int) -> Path:
        return self.out_dir / f'video_{video_id}.json'

    def _prepare_folder(self) -> None:
        run_file = self.out_dir / 'run.json'
        if not self.resume and self.out_dir.is_dir():
            shutil.rmtree(self.out_dir)
        if run_file.is_file():
            earlier = load(run_file)
            differing = [
                key for key in self.run_id if earlier.get(key) != self.run_id[key]
            ]
            if differing:
                raise UserValueError(
                    f'The results in {self.out_dir} are of another test: '
                    f'{", ".join(differing)} differ. Leave out --resume to start anew, '
                    'or choose another --work-dir.'
                )
        self.out_dir.mkdir(parents=True, exist_ok=True)
        dump(self.run_id, run_file)
