"""Places in nested data, and changes of them one after the other."""

import copy


def places_of(value, path=()):
    """Paths of all values below one, in order."""
    items = ()
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, child in items:
        yield (*path, key)
        yield from places_of(child, (*path, key))


def parent_of(content, path):
    for key in path[:-1]:
        content = content[key]
    return content


def apply(content, steps, change):
    """Change a copy of the content, one step after the other.

    A step is a number that chooses the place and what follows the parent and the key
    in the arguments of ``change``; the whole and all its places come last.
    """
    content = copy.deepcopy(content)
    for where, *step in steps:
        paths = list(places_of(content))
        if not paths:
            break
        path = paths[where % len(paths)]
        change(parent_of(content, path), path[-1], *step, (content, paths))
    return content
