"""Typed reading of JSON objects: each field is asked for once, by its type, and no field may be left over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pavfmt.errors import EncodeError

T = TypeVar("T")


class JsonSection:
    """One JSON object; `where` names it in errors ("avatar.json: levels[1]")."""

    def __init__(self, value: Any, where: str, code: str) -> None:
        self._where, self._code = where, code
        if not isinstance(value, dict):
            raise self._error(f"an object is required, found {_kind(value)}")
        self._left: dict[str, Any] = dict(value)

    def _error(self, message: str) -> EncodeError:
        return EncodeError(self._code, f"{self._where}: {message}")

    def _take(self, key: str, kind: type[T]) -> T:
        if key not in self._left:
            raise self._error(f"{key!r} is missing")
        value = self._left.pop(key)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self._error(f"{key!r} must be {kind.__name__}, found {_kind(value)}")
        return value

    def _text_in(self, value: Any, key: str) -> str:
        if not isinstance(value, str):
            raise self._error(f"{key!r} must hold text, found {_kind(value)}")
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise self._error(f"{key!r} holds half a surrogate pair") from error
        return value

    def text(self, key: str) -> str:
        """A string."""
        return self._text_in(self._take(key, str), key)

    def flag(self, key: str) -> bool:
        """True or false."""
        return self._take(key, bool)

    def integer(self, key: str, lowest: int, highest: int) -> int:
        """A whole number in lowest..highest."""
        value = self._take(key, int)
        if not lowest <= value <= highest:
            raise self._error(f"{key!r} is {value}, allowed are {lowest}..{highest}")
        return value

    def number(self, key: str) -> float:
        """A finite number."""
        value = self._left.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
            self._left[key] = float(value)
        return self._take(key, float)

    def choice(self, key: str, choices: Mapping[str, T]) -> T:
        """What one of the known words stands for."""
        word = self.text(key)
        if word not in choices:
            raise self._error(f"{key!r} is {word!r}, known are {', '.join(choices)}")
        return choices[word]

    def texts(self, key: str, most: int) -> tuple[str, ...]:
        """A list of at most `most` different strings."""
        values = tuple(self._text_in(entry, key) for entry in self._list(key, most))
        if len(set(values)) != len(values):
            raise self._error(f"{key!r} names something twice")
        return values

    def integers(self, key: str, most: int) -> tuple[int, ...]:
        """A list of at most `most` whole numbers."""
        values = self._list(key, most)
        if any(not isinstance(entry, int) or isinstance(entry, bool) for entry in values):
            raise self._error(f"{key!r} must hold whole numbers")
        return tuple(values)

    def text_map(self, key: str) -> dict[str, str]:
        """An object whose values are strings."""
        pairs = self._take(key, dict)
        return {
            self._text_in(name, key): self._text_in(value, f"{key}.{name}") for name, value in pairs.items()
        }

    def _list(self, key: str, most: int) -> Sequence[Any]:
        values = self._take(key, list)
        if len(values) > most:
            raise EncodeError(
                "input-too-large", f"{self._where}: {key!r} has {len(values)} entries, limit {most}"
            )
        return values

    def section(self, key: str) -> JsonSection | None:
        """A nested object, or None for null."""
        if self._left.get(key, False) is None:
            self._left.pop(key)
            return None
        return JsonSection(self._take(key, dict), f"{self._where}: {key}", self._code)

    def sections(self, key: str, most: int) -> list[JsonSection]:
        """A list of at most `most` nested objects."""
        values = self._list(key, most)
        return [
            JsonSection(entry, f"{self._where}: {key}[{i}]", self._code) for i, entry in enumerate(values)
        ]

    def finish(self) -> None:
        """Refuse fields nobody asked for: a misspelt name would otherwise be lost in silence."""
        if self._left:
            raise self._error(f"unknown field {min(self._left)!r}")


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__
