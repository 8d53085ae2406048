"""Values that no log, message or traceback may show."""

from pathlib import Path

HIDDEN = "(hidden)"


class Secret:
    """A text that is shown by `reveal` alone: `repr` and `str` hide it, and it cannot be compared or formatted by accident."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself, for the request that needs it."""
        return self._value

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def hide_in(self, text: str) -> str:
        """`text` without this secret in it: a receiver may send back what it was sent."""
        return text.replace(self._value, HIDDEN) if self._value else text


def read_secret_file(path: Path) -> str:
    """The content of a file without the white space around it. Raises OSError and UnicodeDecodeError."""
    return path.read_text(encoding="utf-8").strip()
