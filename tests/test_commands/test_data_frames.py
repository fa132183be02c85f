import cv2
import numpy as np
import pytest

from mmvis.commands.data.frames import main
from mmvis.testing.tiny_video import make_tiny_video, tiny_frame


def test_frames_of_a_video_are_written_in_order(tmp_path, capsys):
    pytest.importorskip('av')
    video = tmp_path / 'dog.mp4'
    make_tiny_video(video, num_frames=12)
    main([str(video), str(tmp_path / 'out')])
    frames = sorted((tmp_path / 'out' / 'dog').iterdir())
    assert [path.name for path in frames] == [f'{t:06d}.jpg' for t in range(12)]
    for t in (0, 11):
        image = cv2.imread(str(frames[t]))
        difference = np.abs(image.astype(int) - tiny_frame(t, image.shape[:2]))
        assert difference.mean() < 10
    assert f'{tmp_path}/out/dog: 12 frames' in capsys.readouterr().out


def test_frames_of_two_videos_do_not_mix(tmp_path, capsys):
    pytest.importorskip('av')
    video = tmp_path / 'dog.mp4'
    make_tiny_video(video, num_frames=2)
    (tmp_path / 'dog').mkdir()
    (tmp_path / 'dog' / '000000.jpg').write_bytes(b'')
    with pytest.raises(SystemExit) as end:
        main([str(video), str(tmp_path)])
    assert end.value.code == 2
    assert 'has files already' in capsys.readouterr().err


@pytest.mark.parametrize('quality', [0, 101])
def test_quality_must_be_one_of_jpeg(tmp_path, capsys, quality):
    with pytest.raises(SystemExit):
        main(['no.mp4', str(tmp_path), '--quality', str(quality)])
    assert 'must be in [1, 100]' in capsys.readouterr().err
