"""The processor of this machine."""

import platform

__all__ = ['describe_processor']

_CPUINFO = '/proc/cpuinfo'


def describe_processor(field: str) -> str:
    """Describe the first CPU.

    Args:
        field (str): What Linux tells of it, ``'model name'`` or ``'vendor_id'``.

    Returns:
        str: That; where it is not told, on other systems, Python's name of the
        processor, which may be empty.
    """
    try:
        with open(_CPUINFO, encoding='utf-8') as file:
            for line in file:
                if line.startswith(field):
                    return line.split(':', 1)[1].strip()
    except OSError:
        pass  # another system than Linux
    return platform.processor()
