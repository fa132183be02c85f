import cv2
import numpy as np
import pytest
from mmdet.structures.bbox import HorizontalBoxes
from PIL import Image

from mmvis.datasets.transforms import LoadClipAnnotations, LoadFrameFromFile, Resize
from mmvis.structures.rle import compress
from mmvis.testing import rle_of


@pytest.fixture
def image(tmp_path):
    img = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    path = tmp_path / 'frame.png'
    cv2.imwrite(str(path), img)
    return path, img


def frame_of(path, size=(40, 60)):
    return dict(
        img_path=str(path), video_id=3, frame_id=5, height=size[0], width=size[1]
    )


def test_load_frame(image):
    path, img = image
    results = LoadFrameFromFile().transform(frame_of(path))
    np.testing.assert_array_equal(results['img'], img)
    assert results['img_shape'] == results['ori_shape'] == (40, 60)


@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
def test_decoders_agree(image, backend):
    path, img = image
    loader = LoadFrameFromFile(imdecode_backend=backend)
    np.testing.assert_array_equal(loader.transform(frame_of(path))['img'], img)


def test_missing_image(tmp_path):
    message = r'gone\.jpg: the image of frame 5 of video 3 does not exist'
    with pytest.raises(FileNotFoundError, match=message):
        LoadFrameFromFile().transform(frame_of(tmp_path / 'gone.jpg'))


def test_image_of_another_size(image):
    path, _ = image
    message = (
        r'frame\.png: the image is \(height, width\) = \(40, 60\), but video 3 is '
        r'recorded as \(60, 40\)'
    )
    with pytest.raises(ValueError, match=message):
        LoadFrameFromFile().transform(frame_of(path, size=(60, 40)))


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
@pytest.mark.parametrize('share', [0.0, 0.3, 0.9])
@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
def test_incomplete_image(image, tmp_path, suffix, share, backend):
    path = tmp_path / f'cut{suffix}'
    cv2.imwrite(str(path), image[1])
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ValueError, match=r'cut\.\w+: the image is corrupted or inc'):
        LoadFrameFromFile(imdecode_backend=backend).transform(frame_of(path))


@pytest.mark.parametrize('tail', [b'\x00' * 30, b'maker notes'])
def test_data_behind_the_image_does_not_matter(image, tmp_path, tail):
    path = tmp_path / 'tail.jpg'
    cv2.imwrite(str(path), image[1])
    expected = LoadFrameFromFile().transform(frame_of(path))['img']
    path.write_bytes(path.read_bytes() + tail)
    results = LoadFrameFromFile().transform(frame_of(path))
    np.testing.assert_array_equal(results['img'], expected)


def test_no_image_at_all(tmp_path):
    path = tmp_path / 'frame.jpg'
    path.write_bytes(b'not an image\xff\xd9')
    with pytest.raises(ValueError, match=r'frame\.jpg: the image cannot be decoded'):
        LoadFrameFromFile().transform(frame_of(path))


def make_clip(masks, bboxes=None):
    """A clip of T frames from encoded masks (T, N)."""
    T = len(masks)
    return dict(
        video_id=[3] * T,
        frame_id=[4 + t for t in range(T)],
        height=[8] * T,
        width=[10] * T,
        instances=[
            [
                dict(
                    instance_id=10 * n,
                    bbox_label=n + 1,
                    ignore_flag=n % 2,
                    mask=compress(mask, 8, 10) if mask else None,
                    bbox=bboxes and bboxes[t][n],
                )
                for n, mask in enumerate(frame)
            ]
            for t, frame in enumerate(masks)
        ],
    )


def test_load_annotations():
    mask = np.zeros((8, 10), dtype=np.uint8)
    mask[2:5, 3:9] = 1
    polygon = [[1, 1, 5, 1, 5, 3, 1, 3]]
    clip = make_clip(
        [[rle_of(mask), None], [None, polygon], [rle_of(mask, False), polygon]],
        [[[3, 2, 9, 5], None], [None, [1, 1, 5, 3]], [None, None]],
    )
    clip = LoadClipAnnotations().transform(clip)
    assert 'instances' not in clip
    drawn = np.zeros((8, 10), dtype=np.uint8)
    drawn[1:3, 1:5] = 1
    empty = np.zeros_like(mask)
    expected = [[mask, empty], [empty, drawn], [mask, drawn]]
    for t in range(3):
        np.testing.assert_array_equal(clip['gt_masks'][t].masks, expected[t])
        assert isinstance(clip['gt_bboxes'][t], HorizontalBoxes)
        assert clip['gt_instances_ids'][t].tolist() == [0, 10]
        assert clip['gt_bboxes_labels'][t].tolist() == [1, 2]
        assert clip['gt_ignore_flags'][t].tolist() == [False, True]
    assert clip['gt_bboxes'][0].tensor.tolist() == [[3, 2, 9, 5], [0, 0, 0, 0]]
    assert clip['gt_bboxes'][1].tensor.tolist() == [[0, 0, 0, 0], [1, 1, 5, 3]]
    # Without a box in the file the mask gives it.
    assert clip['gt_bboxes'][2].tensor.tolist() == [[3, 2, 9, 5], [1, 1, 5, 3]]


def test_load_annotations_of_nothing():
    clip = LoadClipAnnotations().transform(make_clip([[], []]))
    assert clip['gt_masks'][1].masks.shape == (0, 8, 10)
    assert clip['gt_bboxes'][1].tensor.shape == (0, 4)
    assert clip['gt_instances_ids'][1].shape == (0,)


def test_rle_of_the_wrong_size_is_named():
    clip = make_clip([[None], [rle_of(np.ones((8, 10), dtype=np.uint8))]])
    clip['instances'][1][0]['mask']['counts'] = b'0<'
    message = r'segmentations\[5\] of annotation 0 \(video 3\) has an RLE that .* 12 p'
    with pytest.raises(ValueError, match=message):
        LoadClipAnnotations().transform(clip)


def photo(height, width):
    """A smooth picture, as JPEG keeps it."""
    y, x = np.mgrid[:height, :width]
    planes = [np.sin(x / 23), np.cos(y / 17), np.sin((x + 2 * y) / 31)]
    return np.round(127.5 + 120 * np.stack(planes, axis=-1)).astype(np.uint8)


@pytest.mark.parametrize(
    ('decode_scale', 'size'),
    [
        ((16, 12), (30, 40)),
        ((26, 20), (30, 40)),
        ((27, 20), (60, 80)),
        ((54, 41), (120, 160)),
        ((100, 100), (120, 160)),
        ((150, 150), (240, 320)),
        ((640, 8), (30, 40)),
        ((1000, 1000), (240, 320)),
        (None, (240, 320)),
    ],
)
def test_large_jpegs_are_decoded_at_a_reduced_size(tmp_path, decode_scale, size):
    path = tmp_path / 'frame.jpg'
    cv2.imwrite(str(path), photo(240, 320))
    loader = LoadFrameFromFile(decode_scale=decode_scale)
    results = loader.transform(frame_of(path, (240, 320)))
    assert results['img'].shape[:2] == size
    assert results['img_shape'] == results['ori_shape'] == (240, 320)
    if decode_scale is None:
        assert 'decoded_shape' not in results
    else:
        assert results['decoded_shape'] == (None if size == (240, 320) else size)


def test_reduced_frames_look_like_whole_ones(tmp_path):
    path = tmp_path / 'frame.jpg'
    cv2.imwrite(str(path), photo(240, 320), [cv2.IMWRITE_JPEG_QUALITY, 95])
    frames = []
    for decode_scale in (None, (40, 30)):
        results = LoadFrameFromFile(decode_scale=decode_scale).transform(
            frame_of(path, (240, 320))
        )
        frames.append(Resize(scale=(40, 30), backend='torch').transform(results)['img'])
    difference = np.abs(frames[0].astype(int) - frames[1])
    assert difference.mean() < 1
    assert difference.max() <= 4


def test_upright_size_of_turned_photos(tmp_path):
    path = tmp_path / 'turned.jpg'
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    Image.fromarray(photo(120, 240)).save(path, exif=exif)
    loader = LoadFrameFromFile(decode_scale=(60, 30))
    results = loader.transform(frame_of(path, (240, 120)))
    assert results['decoded_shape'] == (120, 60)
    assert results['ori_shape'] == (240, 120)


def test_turned_photos_that_are_almost_square(tmp_path):
    path = tmp_path / 'turned.jpg'
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(photo(240, 242)).save(path, exif=exif)
    loader = LoadFrameFromFile(decode_scale=(60, 60))
    assert loader.transform(frame_of(path, (242, 240)))['decoded_shape'] == (121, 120)
    with pytest.raises(ValueError, match=r'is \(height, width\) = \(242, 240\), but'):
        loader.transform(frame_of(path, (240, 242)))


def test_sides_that_are_no_multiple_are_decoded_whole(tmp_path):
    path = tmp_path / 'frame.jpg'
    cv2.imwrite(str(path), photo(238, 321))
    results = LoadFrameFromFile(decode_scale=(16, 12)).transform(
        frame_of(path, (238, 321))
    )
    assert results['decoded_shape'] is None


def test_frames_are_not_decoded_smaller_than_resize_asks_for(tmp_path):
    path = tmp_path / 'frame.jpg'
    cv2.imwrite(str(path), photo(240, 320))
    frame = LoadFrameFromFile(decode_scale=(40, 30)).transform(
        frame_of(path, (240, 320))
    )
    with pytest.raises(ValueError, match='less than Resize asks for'):
        Resize(scale=(96, 72)).transform(frame)


@pytest.mark.parametrize('size', [(240, 328), (248, 320), (320, 240)])
def test_another_size_is_noticed_at_a_reduced_size(tmp_path, size):
    path = tmp_path / 'frame.jpg'
    cv2.imwrite(str(path), photo(240, 320))
    with pytest.raises(ValueError, match=r'is \(height, width\) = \(240, 320\), but'):
        LoadFrameFromFile(decode_scale=(27, 20)).transform(frame_of(path, size))


def test_png_is_decoded_whole(image):
    path, img = image
    results = LoadFrameFromFile(decode_scale=(6, 4)).transform(frame_of(path))
    np.testing.assert_array_equal(results['img'], img)
    assert results['decoded_shape'] is None


@pytest.mark.parametrize('share', [0.3, 0.9])
def test_incomplete_image_at_a_reduced_size(tmp_path, share):
    path = tmp_path / 'cut.jpg'
    cv2.imwrite(str(path), photo(238, 319))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ValueError, match=r'cut\.jpg: the image is corrupted or inc'):
        LoadFrameFromFile(decode_scale=(27, 20)).transform(frame_of(path, (238, 319)))


@pytest.mark.parametrize('decode_scale', [(0, 10), (10,), (10, -1), (5, 5, 5), 10])
def test_decode_scale_must_be_a_size(decode_scale):
    with pytest.raises(ValueError, match=r'`decode_scale` of LoadFrameFromFile must'):
        LoadFrameFromFile(decode_scale=decode_scale)


def test_decode_scale_needs_opencv():
    with pytest.raises(ValueError, match="needs imdecode_backend='cv2', got 'pillow'"):
        LoadFrameFromFile(decode_scale=(60, 40), imdecode_backend='pillow')
