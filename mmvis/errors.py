"""Errors that a user can fix.

Every error about a config, a file or an argument is raised as one of these classes.
The tools print its message alone; any other exception is a bug and keeps its
traceback, see :func:`mmvis.engine.user_errors.user_errors`.
"""

__all__ = [
    'UserError',
    'UserFloatingPointError',
    'UserKeyError',
    'UserTypeError',
    'UserValueError',
]


class UserError(Exception):
    """Base class. The message says what was given, what was expected, how to fix it."""


class UserValueError(UserError, ValueError):
    """A value, or the content of a file, that is not valid."""


class UserTypeError(UserError, TypeError):
    """A value of the wrong type."""


class UserKeyError(UserError, KeyError):
    """A name that is missing or unknown."""

    def __str__(self) -> str:
        # KeyError shows the repr of its message.
        return str(self.args[0]) if len(self.args) == 1 else super().__str__()


class UserFloatingPointError(UserError, FloatingPointError):
    """A computation whose result is not finite."""
