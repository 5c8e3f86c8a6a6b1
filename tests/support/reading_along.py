"""A payload reader that notes every field it is asked for: where, how long, and what it gave."""

import struct
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock

from pavfmt import Decoder
from pavfmt.codec.fields import MAX_VARINT, UnitReader


@dataclass(frozen=True)
class Field:
    offset: int
    size: int
    value: object


class NotingReader(UnitReader):
    """Fields made of others (strings, columns, choices) note those."""

    notes: list
    _inside = False

    @contextmanager
    def _noted(self, parts):
        """Notes what is read inside as one field, or as `parts(value)` → [(size, value), …]."""
        if self._inside:
            yield lambda value: value
            return
        start, self._inside = self.offset, True
        told = []
        try:
            yield told.append
        finally:
            self._inside = False
        at = start
        for size, value in parts(told[0]):
            self.notes.append(Field(at, size, value))
            at += size
        assert at == self.offset

    def raw(self, length):
        with self._noted(lambda value: [(len(value), value)]) as tell:
            value = super().raw(length)
            tell(value)
        return value

    def u8(self):
        with self._noted(lambda value: [(1, value)]) as tell:
            value = super().u8()
            tell(value)
        return value

    def floats(self, count):
        with self._noted(lambda values: [(4, value) for value in values]) as tell:
            values = super().floats(count)
            tell(values)
        return values

    def unpack(self, layout):
        sizes = [struct.calcsize("<" + letter) for letter in layout]
        with self._noted(lambda values: zip(sizes, values, strict=True)) as tell:
            values = super().unpack(layout)
            tell(values)
        return values

    def varint(self, name, limit=MAX_VARINT):
        start = self.offset
        with self._noted(lambda value: [(self.offset - start, value)]) as tell:
            value = super().varint(name, limit)
            tell(value)
        return value

    def affine(self, name):
        def parts(grid):
            return [(8, grid.offset), (4, grid.step), (1, grid.shift), (1, grid.bits)]

        with self._noted(parts) as tell:
            grid = super().affine(name)
            tell(grid)
        return grid


def fields_read(data, rig_file=None):
    """(every payload field that decoding `data` reads, by offset; the scene)."""
    notes = []
    reader = type("Reader", (NotingReader,), {"notes": notes})
    with mock.patch("pavfmt.decoding.decoder.UnitReader", reader):
        decoder = Decoder()
        decoder.feed(data)
        decoder.close()
        list(decoder.events())
        if rig_file is not None:  # its own fields are not this file's
            own = list(notes)
            decoder.supply_rig(rig_file)
            with mock.patch("pavfmt.decoding.decoder.UnitReader", UnitReader):
                list(decoder.events())
            notes[:] = own + notes[len(own) :]
    return sorted(notes, key=lambda field: field.offset), decoder.scene
