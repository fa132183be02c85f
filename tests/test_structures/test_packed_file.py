import gzip
import io
import json
import random
import zipfile

import pytest

from mmvis.structures.json_file import parse_json
from mmvis.structures.packed_file import read_content

noise = random.Random(0)
RESULTS = json.dumps([dict(video_id=n, score=noise.random()) for n in range(400)])


def pack(content=RESULTS, name='results.json'):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return bytearray(packed.getvalue())


def edited_zip(*edits):
    """A zip with bytes at some offsets, from the last entry's if negative."""
    data = pack()
    start = data.rfind(b'PK\x01\x02')
    for offset, value in edits:
        offset = offset if offset >= 0 else start - offset
        data[offset : offset + len(value)] = value
    return bytes(data)


def read(tmp_path, content):
    path = tmp_path / 'x.json'
    path.write_bytes(content)
    return parse_json(read_content(path), str(path))


@pytest.mark.parametrize('indent', [None, 2])
def test_what_json_writes_is_read(tmp_path, indent):
    content = {'info': {'n': [1, 2.5, None, True]}, 'text': '] , { \\ " \n', 'ü': 'é'}
    text = json.dumps(content, indent=indent, ensure_ascii=False).encode()
    assert read(tmp_path, text) == content
    assert read(tmp_path, b'\xef\xbb\xbf' + text) == content


def test_packed_files_are_read_by_content(tmp_path):
    for content in (RESULTS.encode(), gzip.compress(RESULTS.encode()), bytes(pack())):
        assert read(tmp_path, content) == json.loads(RESULTS)


DAMAGED = {
    'cut gzip': (gzip.compress(RESULTS.encode())[:-9], 'the gzip file is corrupted'),
    'bad gzip': (
        gzip.compress(RESULTS.encode())[:99] + b'\xff' * 99,
        'the gzip file is corrupted',
    ),
    'bad zip': (edited_zip((60, b'\xff' * 30)), 'the zip file is corrupted'),
    'no zip': (b'PK\x03\x04 no', 'the zip file is corrupted'),
    'encrypted zip': (edited_zip((6, b'\1'), (-8, b'\1')), 'the zip file is .*passwor'),
    'deflate64': (edited_zip((8, b'\x09\0'), (-10, b'\x09\0')), 'is not supported'),
    'folder in zip': (bytes(pack(name='out/results.json')), r'root, .* \[.out/results'),
    'gzip twice': (
        gzip.compress(gzip.compress(RESULTS.encode())),
        'another gzip file in it. Unpack it once',
    ),
    'gzip of zip': (gzip.compress(pack()), 'another zip file in it'),
    'bzip2': (b'BZh91AY&SY', 'this is a bzip2 file. Unpack it'),
    'UTF-16': ('[1]'.encode('utf-16'), 'this is UTF-16 text or binary. Save it as'),
    'UTF-16 without mark': ('[1]'.encode('utf-16-le'), 'UTF-16 text or binary'),
    'Latin-1': (
        '{"a": [0, "é"]}'.encode('latin-1'),
        r'a\[1\]: expected JSON in UTF-8, .* \(near byte 11\)',
    ),
    'empty': (b'', 'not JSON: the text ends too early, at line 1, column 1'),
    'cut': (b'[1, 2', r'\[1\]: not JSON: the text ends too early, .* column 6. Is'),
    'NaN': (
        b'{"a": [{}, {"b": NaN}]}',
        r'a\[1\]\.b: not JSON: NaN and Infinity are not numbers',
    ),
    '-Infinity': (b'[-Infinity]', r'\[0\]: not JSON: NaN and Infinity are not'),
    'no comma': (b'{"a": [1 2]}', r"a\[0\]: not JSON: expected ',' or ']', at line 1"),
    'second line': (b'[1,\n 2}', r'\[1\]: not JSON: .* at line 2, column 3'),
    'no key': (b'{a: 1}', 'not JSON: .* at line 1, column 2'),
    'more': (b'{"a": 1} {', 'not JSON: trailing characters'),
    'half a character': (b'["\\ud800"]', r'escape is half a character'),
    'deep nesting': (b'[' * 100_000 + b']' * 100_000, 'nested too deeply'),
    '5000 digits': (b'[[], 1' + b'0' * 5000 + b']', r'\[1\]: the number is too l'),
    '10**400': (b'[1e400]', r'\[0\]: the number is too large'),
    'XML': (b'<annotations>', 'this is XML or HTML.*Annotations of CVAT'),
    'key twice': (b'[{"a": {"b": 1, "b": 1}}]', r"\[0\]\.a: the key 'b' occurs twice"),
    'key twice, escaped': (b'{"b": 1, "\\u0062": 1}', r"the key 'b' occurs twice"),
}


@pytest.mark.parametrize('case', DAMAGED)
def test_damaged_file_is_one_error(tmp_path, case):
    content, message = DAMAGED[case]
    with pytest.raises(ValueError, match=rf'x\.json: .*{message}|x\.json: {message}'):
        read(tmp_path, content)


def test_archive_that_expands_without_bound_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr('mmvis.structures.packed_file._MAX_UNPACKED', 1 << 16)
    text = b'[' + b' ' * (1 << 22) + b']'
    for content in (gzip.compress(text), bytes(pack(text))):
        with pytest.raises(ValueError, match=r'x\.json: .* expands to more than'):
            read(tmp_path, content)


def test_folder_and_missing_file(tmp_path):
    with pytest.raises(ValueError, match='expected a json file, but this is a folder'):
        read_content(tmp_path)
    with pytest.raises(FileNotFoundError, match=r'gone\.json') as error:
        read_content(tmp_path / 'gone.json')
    assert error.value.filename == str(tmp_path / 'gone.json')


@pytest.mark.parametrize(
    ('path', 'backend_args'),
    [
        ('s3://bucket/x.json', None),
        ('file:///x.json', None),
        ('https://localhost/x.json', None),
        ('x.json', dict(backend='unknown')),
        ('x.json', dict(backend='local', unknown=1)),
    ],
)
def test_addresses_that_are_not_read_are_one_error(path, backend_args):
    with pytest.raises(ValueError, match=r'x\.json: cannot be read from there'):
        read_content(path, backend_args)
