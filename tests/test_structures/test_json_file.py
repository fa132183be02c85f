import msgspec
import pytest

from mmvis.structures.json_file import Place, check_keys, decode, elements, members


def test_members_and_elements_stay_text():
    place = Place('x.json')
    parts = members(b'{"a": [1.50, {}], "b" : "\\u0062"}', place)
    assert list(parts) == ['a', 'b']
    assert bytes(parts['b']) == b'"\\u0062"'
    assert [bytes(e) for e in elements(parts['a'], place)] == [b'1.50', b'{}']
    with pytest.raises(ValueError, match=r'x\.json: expected a list, got 5'):
        elements(b'5', place)
    with pytest.raises(ValueError, match=r"x\.json: a: the key 'k' occurs twice"):
        members(b'{"k": 1, "k": 1}', place.at('.a'))


def test_path_of_a_key_twice_is_printable():
    text = b'{"\\u001b[2J": {"k": 1, "k": 2}}'
    with pytest.raises(ValueError, match=r'x: \\x1b\[2J: the key') as error:
        check_keys(msgspec.Raw(text), Place('x'))
    assert '\x1b' not in str(error.value)


@pytest.mark.parametrize('expected', [int, dict[str, int], list[int]])
def test_deep_nesting_of_another_type_is_one_message(expected):
    decoder = msgspec.json.Decoder(expected)
    for bracket in (b'[', b'{"a":'):
        with pytest.raises(ValueError, match=r'x: .*nested too deeply'):
            decode(bracket * 100_000, decoder, Place('x'))
