import os

import pytest

from mmvis.outputs import OutputFiles, safe_name

ENDINGS = {'json': '.json', 'masks': '_masks/'}


@pytest.mark.parametrize(
    ('name', 'safe'),
    [
        ('dog', 'dog'),
        ('dog.v2 (final)', 'dog.v2 (final)'),
        ('Grüße 猫', 'Grüße 猫'),
        ('.', 'video'),
        ('..', 'video'),
        ('', 'video'),
        ('.hidden', 'hidden'),
        ('../../etc/passwd', '_.._etc_passwd'),
        ('a\\b:c*?"<>|d', 'a_b_c______d'),
        ('esc\x1b[31m\n', 'esc_[31m_'),
        ('b\udcff', 'b_'),
        ('dog. ', 'dog'),
    ],
)
def test_safe_names(name, safe):
    assert safe_name(name) == safe


def test_long_names_are_cut_at_a_whole_character():
    assert safe_name('x' * 300) == 'x' * 200
    assert safe_name('猫' * 100) == '猫' * 66


def test_files_are_made_at_once(tmp_path):
    files = OutputFiles(tmp_path / 'new', 'dog', ENDINGS)
    assert files.paths == {
        'json': tmp_path / 'new/dog.json',
        'masks': tmp_path / 'new/dog_masks',
    }
    assert files.paths['json'].read_bytes() == b''
    assert files.paths['masks'].is_dir()


@pytest.mark.parametrize('taken', ['dog.json', 'dog_masks'])
def test_all_names_get_a_number_where_one_is_taken(tmp_path, taken):
    (tmp_path / taken).write_text('mine')
    (tmp_path / 'dog-2.json').symlink_to(tmp_path / 'nowhere')
    files = OutputFiles(tmp_path, 'dog', ENDINGS)
    assert files.stem == 'dog-3'
    assert sorted(os.listdir(tmp_path)) == sorted(
        [taken, 'dog-2.json', 'dog-3.json', 'dog-3_masks']
    )
    assert (tmp_path / taken).read_text() == 'mine'


def test_unwritten_files_are_removed(tmp_path):
    files = OutputFiles(tmp_path, 'dog', {**ENDINGS, 'csv': '.csv', 'mots': '_m/'})
    files.paths['csv'].write_text('a')
    (files.paths['masks'] / '0.png').write_text('a')
    files.release()
    files.release()
    assert sorted(os.listdir(tmp_path)) == ['dog.csv', 'dog_masks']


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(OSError, match='file'):
        OutputFiles(tmp_path / 'file', 'dog', ENDINGS)
