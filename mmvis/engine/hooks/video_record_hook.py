"""Records of tested videos, with which an interrupted test is resumed."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from mmdet.structures import TrackDataSample
from mmengine import fileio
from mmengine.dist import all_gather_object, barrier, is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmvis.errors import UserValueError
from mmvis.registry import HOOKS
from mmvis.structures import read_video_record, write_video_record

__all__ = ['VideoRecordHook']


@HOOKS.register_module()
class VideoRecordHook(Hook):
    """Write the tracks of each video when it is finished; skip videos on resume.

    A record is one json file, see :func:`mmvis.structures.write_video_record`. It
    carries a fingerprint of what it follows from: the run, the annotation file and the
    frames of the video. A corrupted record, or one of other frames, is made again.

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
        self._fingerprints: dict[int, str] = {}

    def before_test_epoch(self, runner: Runner) -> None:
        """Hand the finished videos to the evaluator; share the others out anew.

        Each rank reads the records of its own share, so that every video is handed
        over once. The ranks of an interrupted test may have come to different places:
        what is left is balanced again.

        Raises:
            ValueError: If the records are of another test.
        """
        dataset = runner.test_loop.dataloader.dataset
        sampler = runner.test_loop.dataloader.sampler
        self.run_id['annotations'] = _hash_file(dataset.ann_file, dataset.backend_args)
        if is_main_process():
            self._prepare_folder()
        barrier()
        self.out_dir.mkdir(parents=True, exist_ok=True)  # on every machine
        finished, own_left = [], []
        for video_idx in sampler.video_lens:
            video = dataset.get_data_info(video_idx)
            record = self._find_record(video, len(dataset.metainfo['classes']))
            if record is None:
                own_left.append(video_idx)
            else:
                finished.append(record)
        left = [i for share in all_gather_object(own_left) for i in share]
        if len(left) < len(dataset):
            sampler.share(left)
            num_finished = len(dataset) - len(left)
            runner.logger.info(
                f'{num_finished} videos are finished, {len(left)} are left, '
                f'{len(sampler.video_lens)} for this process (records: {self.out_dir}).'
            )
        if finished:
            runner.test_loop.evaluator.process(data_samples=finished)
        for video_idx in sampler.video_lens:
            video = dataset.get_data_info(video_idx)
            self._fingerprints[video['video_id']] = self._fingerprint(video)

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
                write_video_record(
                    sample,
                    self._path(sample.video_id),
                    classes,
                    fingerprint=self._fingerprints[sample.video_id],
                )

    def _find_record(self, video: dict, num_classes: int) -> TrackDataSample | None:
        """Read the record of a video, if it is there and still of this video."""
        path = self._path(video['video_id'])
        if not path.is_file():
            return None
        problem: str | None
        try:
            record = read_video_record(path)
        except ValueError as error:
            problem = str(error)
        else:
            expected = self._fingerprint(video)
            problem = _record_problem(record, video, num_classes, expected)
        if problem is None:
            return record
        print_log(
            f'{path} is not used, the video is tested again: {problem}',
            logger='current',
            level=logging.WARNING,
        )
        return None

    def _fingerprint(self, video: dict) -> str:
        """Hash of the run and of name, size and time of the frames of a video."""
        frames = [(path, *_stamp(path)) for path in video['img_paths']]
        content = [self.run_id, video['video_id'], frames]
        text = json.dumps(content, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _path(self, video_id: int) -> Path:
        return self.out_dir / f'video_{video_id}.json'

    def _prepare_folder(self) -> None:
        run_file = self.out_dir / 'run.json'
        if not self.resume and self.out_dir.is_dir():
            shutil.rmtree(self.out_dir)
        differing = []
        if run_file.is_file():
            earlier = _read_run(run_file)
            differing = [k for k in self.run_id if earlier.get(k) != self.run_id[k]]
        if differing:
            raise UserValueError(
                f'The results in {self.out_dir} are of another test: '
                f'{", ".join(differing)} differ. Leave out --resume to start over, or '
                'choose another --work-dir.'
            )
        self.out_dir.mkdir(parents=True, exist_ok=True)
        fileio.dump(self.run_id, run_file)


def _record_problem(
    record: TrackDataSample, video: dict, num_classes: int, fingerprint: str
) -> str | None:
    """Why a record is not that of a video in this test."""
    if record.get('fingerprint') != fingerprint:
        return 'it is of another test or of other frames.'
    if (record.video_id, record.video_len) != (video['video_id'], video['video_len']):
        return 'it is of another video.'
    if (record.pred_track_instances.labels >= num_classes).any():
        return f'it has labels beyond the {num_classes} classes.'
    return None


def _read_run(path: Path) -> dict:
    """What an earlier test followed from; nothing where the file is damaged."""
    try:
        content = json.loads(path.read_text())
    except ValueError:
        content = None
    return content if isinstance(content, dict) else {}


def _hash_file(path: str, backend_args: dict | None) -> str:
    content = fileio.get(path, backend_args=backend_args)
    return hashlib.sha256(content).hexdigest()


def _stamp(path: str) -> tuple[int, ...]:
    """Size and time of change of a local file; nothing of one elsewhere."""
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return status.st_size, status.st_mtime_ns
