import gzip
import zipfile

import pytest

from mmvis.evaluation.json_files import read_json_file


def pack(path, name):
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr(name, '[1]')


def test_packed_files_are_read_by_content(tmp_path):
    (tmp_path / 'a').write_text('[1]')
    (tmp_path / 'b.json').write_bytes(gzip.compress(b'[1]'))
    pack(tmp_path / 'c.json', 'results.json')
    for name in ('a', 'b.json', 'c.json'):
        assert read_json_file(tmp_path / name) == [1]


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'[1, 2', r'x.json: not json: .* line 1, column 6. Is the file complete'),
        (b'', r'x.json: not json'),
        (b'\xff\xfe\x00', r'x.json: expected json, but this is not UTF-8 text'),
        (gzip.compress(b'[1]')[:-9], r'x.json: the gzip file is damaged'),
        (b'PK\x03\x04 no', r'x.json: the zip file is damaged'),
    ],
)
def test_damaged_files_are_named(tmp_path, content, message):
    (tmp_path / 'x.json').write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_json_file(tmp_path / 'x.json')


def test_zip_with_a_folder_is_refused(tmp_path):
    pack(tmp_path / 'x.zip', 'out/results.json')
    with pytest.raises(ValueError, match=r'"results.json" in its root, .*out/results'):
        read_json_file(tmp_path / 'x.zip')


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'x.json: there is no such file'):
        read_json_file(tmp_path / 'x.json')
