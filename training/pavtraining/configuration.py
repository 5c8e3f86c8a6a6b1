"""Constants of a method as a frozen dataclass, read and written as TOML or JSON."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self, TypeVar

from pavfmt.errors import EncodeError

BAD = "bad-configuration"


@dataclass(frozen=True)
class Configuration:
    """What a configuration can do. Every field of one has a default, and its type."""

    def changed(self, values: Mapping[str, Any]) -> Self:
        """With some values replaced; EncodeError names one that is not known."""
        known = {field.name: field.default for field in fields(self)}
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise EncodeError(BAD, f"the configuration has no {unknown[0]!r}; it has {', '.join(known)}")
        return replace(self, **{name: _as_type(value, known[name]) for name, value in values.items()})

    def as_mapping(self) -> dict[str, Any]:
        """All values by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def check_types(self) -> None:
        """EncodeError for a value that is not like its default."""
        for field in fields(self):
            _check_type(field.name, getattr(self, field.name), field.default)


S = TypeVar("S", bound=Configuration)


def _as_type(value: Any, default: Any) -> Any:
    """Lists as tuples and whole numbers as floats, where that is meant."""
    if isinstance(default, tuple) and isinstance(value, list):
        return tuple(_as_type(item, default[0]) for item in value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if isinstance(default, float) and whole else value


def _check_type(name: str, value: Any, default: Any) -> None:
    is_like = type(value) is type(default)
    if is_like and isinstance(value, tuple):
        is_like = all(type(item) is type(default[0]) for item in value)
    if not is_like:
        raise EncodeError(BAD, f"{name} is {value!r}, must be like {default!r}")


def read_configuration(path: str | Path, base: S) -> S:
    """The values in a .toml or .json file over those of `base`."""
    return base.changed(_values_in(path))


def seed_in(path: str | Path) -> int:
    """The seed that a configuration file names; 0 without one."""
    seed = _values_in(path).get("seed", 0)
    if not isinstance(seed, int):
        raise EncodeError(BAD, f"seed is {seed!r}, must be a whole number")
    return seed


def _values_in(path: str | Path) -> dict[str, Any]:
    try:
        text = Path(path).read_text(encoding="utf-8")
        values = json.loads(text) if Path(path).suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise EncodeError(BAD, f"{path} cannot be read: {error}") from None
    if not isinstance(values, dict):
        raise EncodeError(BAD, f"{path} holds no table of values")
    return values


def write_configuration(configuration: Configuration, path: str | Path) -> None:
    """As JSON or TOML, by the suffix."""
    values = {k: list(v) if isinstance(v, tuple) else v for k, v in configuration.as_mapping().items()}
    if Path(path).suffix == ".json":
        text = json.dumps(values, indent=1) + "\n"
    else:  # numbers, booleans and lists of numbers read the same in TOML and in JSON
        text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
    Path(path).write_text(text, encoding="utf-8")
