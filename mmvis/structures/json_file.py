"""JSON decoding with errors that name the field."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from mmvis.errors import UserValueError
from mmvis.file_kind import describe_content
from mmvis.terminal import printable

__all__ = [
    'Place',
    'PlaceError',
    'check_keys',
    'decode',
    'elements',
    'first_byte',
    'members',
    'parse_json',
    'path_at',
    'shorten',
]

_KINDS = dict(
    int='an integer',
    float='a number',
    str='a string',
    bool='true or false',
    array='a list',
    object='an object',
    null='null',
)
_TOO_DEEP = 'the JSON is nested too deeply, expected some ten levels at most.'
_MALFORMED = re.compile(r'JSON is malformed: (.*) \(byte (\d+)\)')
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[\]{}:]|[^"\[\]{}:]+', re.DOTALL)
_STEP = re.compile(r'\.([^.\[]+)|\[(\d+)\]')


class Place(NamedTuple):
    """A value in a file, for messages.

    Attributes:
        source (str): Name of the file.
        path (str): Keys and indices from the top, 'annotations[3].id'; '' is the top.
    """

    source: str
    path: str = ''

    def at(self, path: str) -> Place:
        """A place below, '.id' or '[3]'."""
        return Place(self.source, f'{self.path}{path}'.removeprefix('.'))

    def error(self, problem: str) -> PlaceError:
        """An error that starts with the file and the path."""
        return PlaceError(self, problem)


class PlaceError(UserValueError):
    """What is wrong at a place of a file.

    Args:
        place (Place): The place.
        problem (str): What was given, what was expected, how to fix it.
    """

    def __init__(self, place: Place, problem: str) -> None:
        path = f': {place.path}' if place.path else ''
        super().__init__(f'{place.source}{path}: {problem}')
        self.place = place
        self.problem = problem


def parse_json(content: bytes, source: str) -> Any:
    """Parse a whole JSON text.

    Args:
        content (bytes): UTF-8 text.
        source (str): Name of the file, for messages.

    Returns:
        Any: The value.

    Raises:
        ValueError: If it is not JSON, or if a key occurs twice in one object.
    """
    value = decode(content, msgspec.json.Decoder(), Place(source))
    check_keys(content, Place(source))
    return value


def decode(
    content: bytes | msgspec.Raw, decoder: msgspec.json.Decoder, place: Place
) -> Any:
    """Decode JSON, as a type if the decoder has one.

    Args:
        content (bytes | msgspec.Raw): A file's whole text, or one value of it.
        decoder (msgspec.json.Decoder): Decoder of the expected type.
        place (Place): Where the value is.

    Returns:
        Any: The value.

    Raises:
        ValueError: If it is not JSON or not of the type.
    """
    try:
        return decoder.decode(content)
    except msgspec.ValidationError as error:
        # Errors of the text itself come first.
        _check_syntax(content, place)
        if decoder is not _MEMBERS and decoder is not _ELEMENTS:
            check_keys(content, place)
        raise _type_error(str(error), content, place) from None
    except msgspec.DecodeError as error:
        raise _syntax_error(str(error), bytes(content), place) from None
    except RecursionError:
        raise place.error(_TOO_DEEP) from None


def _check_syntax(content: bytes | msgspec.Raw, place: Place) -> None:
    try:
        msgspec.json.decode(content, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        raise _syntax_error(str(error), bytes(content), place) from None
    except RecursionError:
        raise place.error(_TOO_DEEP) from None


class _Key:
    """A key of an object; a dict keeps two of one name, since they are not equal."""

    __slots__ = ('name',)

    def __init__(self, name: str) -> None:
        self.name = name


_MEMBERS = msgspec.json.Decoder(
    dict[_Key, msgspec.Raw], dec_hook=lambda _, name: _Key(name)
)
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])


def members(content: bytes | msgspec.Raw, place: Place) -> dict[str, msgspec.Raw]:
    """Divide a JSON object into its members, which stay text.

    Raises:
        ValueError: If it is no object, or if a key occurs twice.
    """
    pairs = decode(content, _MEMBERS, place)
    found: dict[str, msgspec.Raw] = {}
    for key, value in pairs.items():
        if key.name in found:
            raise place.error(
                f'the key {key.name!r:.60} occurs twice in one object, expected once. '
                'Remove one of the two.'
            )
        found[key.name] = value
    return found


def elements(content: bytes | msgspec.Raw, place: Place) -> list[msgspec.Raw]:
    """Divide a JSON array into its elements, which stay text.

    Raises:
        ValueError: If it is no array.
    """
    return decode(content, _ELEMENTS, place)


def check_keys(content: bytes | msgspec.Raw, place: Place) -> None:
    """Check that no object within a value has a key twice.

    Raises:
        ValueError: If one has.
    """
    text = bytes(content)
    if b'{' not in text:
        return
    try:
        if first_byte(text) == b'{':
            for name, value in members(text, place).items():
                check_keys(value, place.at(f'.{printable(name)}'))
        elif first_byte(text) == b'[':
            for index, value in enumerate(elements(text, place)):
                check_keys(value, place.at(f'[{index}]'))
    except RecursionError:
        raise place.error(_TOO_DEEP) from None


def first_byte(content: bytes) -> bytes:
    """The first byte of a text that is no white space, b'' if there is none."""
    found = re.search(rb'\S', content)
    return found[0] if found else b''


def shorten(value: Any) -> str:
    """Show a value in at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f'{text[:57]}...'


def _type_error(
    message: str, content: bytes | msgspec.Raw, place: Place
) -> UserValueError:
    """Error with what msgspec expected, and the value."""
    reason, _, path = message.partition(' - at `$')
    path = path.rstrip('`')
    place = place.at(path)
    missing = re.fullmatch(r'Object missing required field `(.*)`', reason)
    if missing:
        return place.at(f'.{missing[1]}').error('missing. Every such entry needs it.')
    if 'out of range' in reason:
        return place.error('the number is too large, expected one of 64 bits.')
    expected = re.sub(r'Invalid enum value.*', 'Expected `0 | 1`', reason)
    expected = re.sub(r', got `.*', '', expected).removeprefix('Expected ')
    words = re.sub(r'[a-z]+', lambda word: _KINDS.get(word[0], word[0]), expected)
    words = words.replace('`', '').replace(' | ', ' or ')
    try:
        value = msgspec.json.decode(content)
        for name, index in _STEP.findall(path):
            value = value[name] if name else value[int(index)]
    except msgspec.ValidationError:  # another number that is too large
        return place.error(f'expected {words}.')
    return place.error(f'expected {words}, got {shorten(value)}.')


def _syntax_error(message: str, content: bytes, place: Place) -> UserValueError:
    """Name the path, line and column at which a text is no longer JSON."""
    found = _MALFORMED.match(message)
    offset = int(found[2]) if found else len(content)
    reason, advice = 'the text ends too early', 'Is the file complete?'
    if content[offset : offset + 9].lstrip(b'-').startswith((b'NaN', b'Inf')):
        reason, advice = 'NaN and Infinity are not numbers of JSON', 'Write a number.'
    elif first_byte(content) == b'<':
        reason, advice = (
            'this is XML or HTML',
            'Annotations of CVAT? mmvis data convert SRC DST --from cvat',
        )
    elif found:
        reason = found[1]
    elif b'\\u' in content:
        reason = 'the text ends too early, or a \\u escape is half a character'
    advice = describe_content(content).strip() or advice
    line = content.count(b'\n', 0, offset) + 1
    column = offset - content.rfind(b'\n', 0, offset)
    path = path_at(content, offset)
    return place.at(f'.{path}' if path[:1] not in ('', '[') else path).error(
        f'not JSON: {reason}, at line {line}, column {column}. {advice}'
    )


def path_at(content: bytes, offset: int) -> str:
    """Path of the value that a byte of a JSON text belongs to."""
    steps: list[int | str] = []  # index in an array, key in an object
    is_key = False
    for match in _TOKEN.finditer(content, 0, offset):
        token = match[0]
        mark = token[:1]
        if mark in b'[{':
            steps.append(0 if mark == b'[' else '')
            is_key = mark == b'{'
        elif mark in b']}':
            steps = steps[:-1]
            is_key = False
        elif mark == b'"':
            if is_key and steps:
                steps[-1] = printable(token[1:-1].decode('utf-8', 'replace'))
        elif mark == b':':
            is_key = False
        elif b',' in token and steps:
            last = steps[-1]
            is_key = isinstance(last, str)
            if isinstance(last, int):
                steps[-1] = last + token.count(b',')
    path = ''.join(f'[{s}]' if isinstance(s, int) else f'.{s}' for s in steps)
    return path.removeprefix('.')
