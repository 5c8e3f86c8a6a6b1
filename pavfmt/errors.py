"""What can go wrong, sorted by who must act.

`code` is a short kebab-case string from the tables of §11 (`registry.ERROR_CODES`), or one of the encoder's own;
`offset` is the byte offset in the `.pav` file of the field at fault, or None where there is no such file (an input
being encoded).
"""

from __future__ import annotations


class PavError(Exception):
    """Base of every error this library raises on purpose; `code`, `message` and `offset` say what and where."""

    def __init__(self, code: str, message: str, offset: int | None = None) -> None:
        self.code = code
        """Short and kebab-case, for programs: from the tables of §11, or an encoder's or importer's own."""
        self.offset = offset
        """The byte of the `.pav` file at which the field at fault begins; None where there is no such file."""
        self.message = message
        """For people: what was found and what was required."""
        where = "" if offset is None else f" at byte {offset}"
        super().__init__(f"{code}{where}: {message}")


class FormatError(PavError):
    """The bytes break a rule of FORMAT.md: fix the file."""


class UnsupportedError(PavError):
    """The bytes may be right, but need a newer reader or one that knows an extension."""


class LimitError(PavError):
    """The file asks for more than the limits in force: raise the limit, if you trust it."""


class EncodeError(PavError):
    """What was given to an encoder or importer cannot be written: fix the input."""
