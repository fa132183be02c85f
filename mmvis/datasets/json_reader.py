"""Reading large annotation files without holding them twice."""

import json
import re
from collections.abc import Callable
from typing import Any

from mmengine import fileio

from mmvis.errors import UserValueError

__all__ = ['read_json_object']

_SPACE = re.compile(r'[ \t\n\r]*')


class _Cursor:
    """A position in a JSON text; every method moves it forward."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.pos = 0
        self._decoder = json.JSONDecoder()

    def peek(self) -> str:
        """Skip white space and return the next character, '' at the end."""
        self.pos = _SPACE.match(self.text, self.pos).end()
        return self.text[self.pos : self.pos + 1]

    def accept(self, char: str) -> bool:
        """Step over ``char`` if it is next."""
        found = self.peek() == char
        self.pos += found
        return found

    def expect(self, char: str) -> None:
        """Step over ``char`` or fail."""
        if not self.accept(char):
            raise json.JSONDecodeError(f'Expecting {char!r}', self.text, self.pos)

    def value(self) -> Any:
        """Decode the value that is next, whatever it is."""
        self.peek()
        value, self.pos = self._decoder.raw_decode(self.text, self.pos)
        return value

    def items(self, compact: Callable[[int, Any], Any]) -> list:
        """Decode an array, replacing each element at once by a smaller one."""
        self.expect('[')
        items: list = []
        if self.accept(']'):
            return items
        while True:
            items.append(compact(len(items), self.value()))
            if self.accept(']'):
                return items
            self.expect(',')


def _parse(text: str, compact: dict[str, Callable[[int, Any], Any]]) -> dict:
    cursor = _Cursor(text)
    content: dict = {}
    cursor.expect('{')
    if not cursor.accept('}'):
        while True:
            if cursor.peek() != '"':
                raise json.JSONDecodeError('Expecting a name', text, cursor.pos)
            key = cursor.value()
            cursor.expect(':')
            is_streamed = key in compact and cursor.peek() == '['
            content[key] = cursor.items(compact[key]) if is_streamed else cursor.value()
            if cursor.accept('}'):
                break
            cursor.expect(',')
    if cursor.peek():
        raise json.JSONDecodeError('Extra data', text, cursor.pos)
    return content


def read_json_object(
    path: str,
    compact: dict[str, Callable[[int, Any], Any]] | None = None,
    backend_args: dict | None = None,
) -> dict:
    """Read a JSON file whose top level is an object.

    Python's objects take five to ten times the memory of the JSON text. The
    elements of the top-level arrays named in ``compact`` are therefore decoded
    one by one and replaced before the next one is decoded, so that the peak is
    the text, and what the functions return.

    Args:
        path (str): The file, anything that mmengine's file backends read.
        compact (dict[str, Callable] | None): Name of a top-level array ->
            function of the element's index and the element, whose result takes
            the element's place. Defaults to None, every element is kept.
        backend_args (dict | None): Arguments of the file backend.

    Returns:
        dict: The object.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the content is not JSON, or not an object.
    """
    if not fileio.exists(path, backend_args=backend_args):
        raise FileNotFoundError(
            f'The annotation file "{path}" does not exist. Check `data_root` and '
            '`ann_file` of the dataset.'
        )
    try:
        text = fileio.get_text(path, backend_args=backend_args)
    except UnicodeDecodeError as error:
        raise UserValueError(f'{path} is not JSON: it is not UTF-8 text.') from error
    try:
        if text.lstrip()[:1] == '[':
            raise UserValueError(
                f'{path}: expected a JSON object with the fields "videos" or '
                '"images", "categories" and "annotations", got an array. Is it a '
                'results file?'
            )
        return _parse(text, compact or {})
    except json.JSONDecodeError as error:
        raise UserValueError(
            f'{path} is not JSON: {error.msg} at line {error.lineno}, column '
            f'{error.colno}. Is the file complete?'
        ) from error
