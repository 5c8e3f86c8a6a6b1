"""Steps: each value is the nearest multiple from its centre, but where the grid ends; colours by differences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavfmt.codec import compiled
from pavfmt.codec.blocks import Form
from pavfmt.codec.fields import FieldWriter
from pavfmt.codec.quantization import BARYCENTRIC_GRID, MAX_MULTIPLIER, Affine, ValueKind, stereographic_grid
from pavfmt.errors import FormatError
from pavfmt.registry import Binding, RigSource, ShFrame, Site
from pavfmt.units.attributes import (
    MAX_GRADE,
    Attribute,
    Stepped,
    from_steps,
    quantize_gaussians,
    rounded_columns,
    step_grids,
    to_steps,
)
from pavfmt.units.gaussians import decode_gaussians
from pavfmt.units.levels import LevelEntry, LevelTable
from spec.builders.avatars import toy
from spec.builders.forging import reader_of
from spec.builders.handmade import attributes_for, grids_over, steps_of, write_unit

multipliers = st.one_of(st.integers(1, 40), st.sampled_from([255, 256, MAX_MULTIPLIER]))


def attribute_of(bits, width=2, is_colour=False, name="any"):
    kind = ValueKind.COLOUR if is_colour else ValueKind.PLAIN
    return Attribute(name, (Affine(0, 1, 0, bits),) * width, kind)


@st.composite
def tables(draw, width):
    """(bits, grid values (n, width))."""
    bits = draw(st.sampled_from([1, 4, 8, 16]))
    top = (1 << bits) - 1
    value = st.one_of(st.integers(0, top), st.sampled_from([0, top, top // 2]))
    row = st.lists(value, min_size=width, max_size=width)
    return bits, np.array(draw(st.lists(row, min_size=1, max_size=30)), dtype=np.int64)


@given(tables(2), multipliers)
def test_values_are_nearest_but_at_the_ends_of_the_grid(table, multiplier):
    bits, values = table
    top = (1 << bits) - 1
    stepped = to_steps(attribute_of(bits), values, multiplier)
    found = from_steps(attribute_of(bits), stepped)
    assert found.min() >= 0 and found.max() <= top
    for column, centre in enumerate(stepped.centres.tolist()):
        assert centre == sorted(values[:, column].tolist())[len(values) // 2]
        reachable = [
            centre + multiplier * step for step in range(-centre // multiplier, top // multiplier + 1)
        ]
        reachable = np.array([value for value in reachable if 0 <= value <= top])
        best = np.abs(values[:, column, None] - reachable).min(axis=1)
        assert (np.abs(found - values)[:, column] == best).all()
        inside = (values[:, column] >= reachable.min()) & (values[:, column] <= reachable.max())
        assert (2 * best[inside] <= multiplier).all()


@given(tables(6), multipliers)
def test_colours_are_nearest_once_green_is_rounded(table, multiplier):
    bits, values = table
    top = (1 << bits) - 1
    attribute = attribute_of(bits, 6, is_colour=True)
    stepped = to_steps(attribute, values, multiplier)
    assert len(stepped.centres) == 2  # of green alone
    found = from_steps(attribute, stepped)
    assert found.min() >= 0 and found.max() <= top
    green = found[:, 1::3]
    assert ((green - stepped.centres) % multiplier == 0).all()
    for channel in (0, 2):
        wanted, got = values[:, channel::3], found[:, channel::3]
        assert ((got - green) % multiplier == 0).all()
        lowest, highest = green % multiplier, top - (top - green) % multiplier
        inside = (wanted >= lowest) & (wanted <= highest)
        assert (2 * np.abs(got - wanted)[inside] <= multiplier).all()
        assert (np.abs(got - wanted) < np.maximum(multiplier, 2)).all()


def test_colours_are_told_as_green_and_what_red_and_blue_differ_by():
    attribute = attribute_of(8, 3, is_colour=True)
    values = np.array([[10, 20, 50], [11, 22, 49], [9, 20, 50]], dtype=np.int64)
    stepped = to_steps(attribute, values, 1)
    assert stepped.centres.tolist() == [20]
    assert stepped.steps.tolist() == [[0, -10, 30], [2, -11, 27], [0, -11, 30]]
    assert from_steps(attribute, stepped).tolist() == values.tolist()


@given(tables(3), st.booleans())
def test_a_multiplier_of_one_loses_nothing(table, is_colour):
    bits, values = table
    attribute = attribute_of(bits, 3, is_colour)
    assert from_steps(attribute, to_steps(attribute, values, 1)).tolist() == values.tolist()


@given(tables(3), multipliers, st.booleans())
def test_rounding_again_changes_nothing(table, multiplier, is_colour):
    """What a decoder finds is written as the same steps."""
    bits, values = table
    attribute = attribute_of(bits, 3, is_colour)
    stepped = to_steps(attribute, values, multiplier)
    found = from_steps(attribute, Stepped(multiplier, stepped.centres, stepped.steps))
    again = from_steps(attribute, to_steps(attribute, found, multiplier))
    assert again.tolist() == found.tolist()


grades_of = st.lists(st.integers(0, MAX_GRADE), min_size=30, max_size=30).map(np.array)


@given(tables(2), multipliers, grades_of)
def test_a_grade_doubles_the_step_of_its_gaussian(table, multiplier, grades):
    bits, values = table
    top, grades = (1 << bits) - 1, grades[: len(values)]
    attribute = attribute_of(bits, 2, name="means")
    stepped = to_steps(attribute, values, multiplier, grades)
    coarse = (multiplier << grades)[:, None]
    assert (stepped.steps % (1 << grades)[:, None] == 0).all()
    found = from_steps(attribute, stepped)
    assert found.min() >= 0 and found.max() <= top
    lowest = stepped.centres % coarse
    highest = top - (top - stepped.centres) % coarse
    inside = (values >= lowest) & (values <= highest)
    assert (2 * np.abs(found - values) <= coarse)[inside].all()


@given(tables(3), multipliers, grades_of)
def test_only_graded_attributes_have_grades(table, multiplier, grades):
    bits, values = table
    for name, graded in (("means", True), ("sh0", True), ("opacities", False), ("barycentrics", False)):
        attribute = attribute_of(bits, 3, name=name)
        assert attribute.is_graded == graded
        if not graded:
            with_grades = to_steps(attribute, values, multiplier, grades[: len(values)]).steps
            assert with_grades.tolist() == to_steps(attribute, values, multiplier).steps.tolist()


LEVEL = toy("static", 2).levels[0]
GRIDS = grids_over(LEVEL.gaussians)
ENTRY = LevelEntry(Binding.SURFACE_POINT, Site.JOINT, ShFrame.WORLD, 0, len(LEVEL.gaussians), GRIDS)
TABLE = LevelTable(RigSource.NONE, (ENTRY,))


def decoded(data):
    reader = reader_of(data)
    block = decode_gaussians(reader, TABLE, lambda level, sites: np.zeros((len(sites), 3), dtype=np.int64))
    reader.finish()
    return block


def unit(multipliers=None, grades=None):
    writer = FieldWriter()
    write_unit(writer, 0, 0, LEVEL.gaussians, GRIDS, multipliers, grades=grades)
    return writer.getvalue()


@given(
    st.fixed_dictionaries({name: st.integers(1, 300) for name in ("means", "log_scales", "sh0", "sh2")}),
    st.one_of(st.none(), grades_of.map(lambda grades: grades[: len(LEVEL.gaussians)])),
)
def test_a_unit_brings_the_rounded_columns(chosen, grades):
    columns, attributes = quantize_gaussians(LEVEL.gaussians, GRIDS), attributes_for(LEVEL.gaussians, GRIDS)
    rounded = rounded_columns(columns, attributes, steps_of(attributes, chosen, grades)).values
    block = decoded(unit(chosen, grades))
    grids = {"log_scales": GRIDS.log_scales, "sh0": GRIDS.sh0}
    for name, grid in grids.items():
        found = getattr(block, name).reshape(len(block), -1)
        assert found.tobytes() == grid.dequantize(rounded[name]).tobytes()
    assert (
        block.shN[:, 3:].reshape(len(block), -1).tobytes()
        == GRIDS.bands[1].dequantize(rounded["sh2"]).tobytes()
    )


def head_and_sites(data):
    """Where the first multiplier stands: after level, first, count, the sites of nine at one joint, and no grades."""
    assert data[:8] == bytes([0, 0, 9, 0, 2, 0xFF, 0x80, 0])
    return 8


@pytest.mark.parametrize(
    "changed, code",
    [(b"\x00", "bad-field"), (b"\x80\x80\x04", "bad-field"), (b"\xff" * 9 + b"\x01", "bad-field")],
)
def test_a_multiplier_has_its_range(changed, code):
    data = unit()
    at = head_and_sites(data)
    with pytest.raises(FormatError) as caught:
        decoded(data[:at] + changed + data[at + 1 :])
    assert (caught.value.code, caught.value.offset) == (code, at)


def test_a_centre_lies_on_its_grid():
    data = unit()
    at = head_and_sites(data)
    with pytest.raises(FormatError, match="bad-field"):
        decoded(data[: at + 1] + b"\x80\x20" + data[at + 3 :])  # 2^12, of 12 bits


def test_a_coarser_step_that_leaves_the_grid_is_refused():
    data = unit()
    at = head_and_sites(data)
    with pytest.raises(FormatError, match="bad-field"):
        decoded(data[:at] + b"\xff\x7f" + data[at + 1 :])


def test_the_highest_grade_is_read():
    assert len(decoded(unit(None, np.full(len(LEVEL.gaussians), MAX_GRADE)))) == len(LEVEL.gaussians)


@pytest.mark.parametrize("grade", [MAX_GRADE + 1, -1])
def test_grades_have_their_range(grade):
    columns = FieldWriter()
    columns.pack("BB", 1, Form.COLUMNS)
    columns.signed_column(np.full(len(LEVEL.gaussians), grade))
    plain = unit()
    at = head_and_sites(plain)
    data = plain[: at - 1] + columns.getvalue() + plain[at:]
    with pytest.raises(FormatError) as caught:
        decoded(data)
    assert (caught.value.code, caught.value.offset) == ("bad-field", at)


def test_the_grades_flag_is_0_or_1():
    plain = unit()
    at = head_and_sites(plain) - 1
    with pytest.raises(FormatError) as caught:
        decoded(plain[:at] + b"\x02" + plain[at + 1 :])
    assert (caught.value.code, caught.value.offset) == ("bad-field", at)


@st.composite
def shown_attributes(draw):
    """An attribute, its steps as columns 1… of a block, multiplier and centres; not always on its grid."""
    kind = draw(st.sampled_from(ValueKind))
    width = {ValueKind.QUATERNION: 3, ValueKind.BARYCENTRIC: 2, ValueKind.COLOUR: 6}.get(kind, 3)
    bits = draw(st.sampled_from([4, 8, 16]))
    grids = {
        ValueKind.QUATERNION: stereographic_grid(2.0 ** (2 - bits)),
        ValueKind.BARYCENTRIC: BARYCENTRIC_GRID,
    }
    grid = grids.get(kind) or Affine(
        draw(st.integers(-(1 << 40), 1 << 40)), draw(st.integers(0, 1 << 30)), 20, bits
    )
    attribute = Attribute("any", (grid,) * width, kind)
    top = (1 << grid.bits) - 1
    near = st.integers(-(top // 4 + 1), top // 4)
    row = st.lists(st.one_of(st.just(0), near), min_size=width + 2, max_size=width + 2)
    steps = np.array(draw(st.lists(row, min_size=1, max_size=6)), dtype=np.int32)
    centres = np.array(
        [draw(st.integers(0, top)) for _ in range(int(attribute.has_centre.sum()))], dtype=np.int64
    )
    return attribute, steps, draw(st.sampled_from([1, 1, 2, MAX_MULTIPLIER])), centres


@given(shown_attributes())
def test_compiled_twins_show_the_same_bits_and_refuse_the_same(given_):
    attribute, steps, multiplier, centres = given_
    found = np.full((len(steps), attribute.shown_width + 1), np.float32(7))
    grids = step_grids(attribute, multiplier, centres)
    own = np.ascontiguousarray(steps[:, 1 : 1 + attribute.width])
    with compiled.switched(True):
        fine = compiled.twins.show([grids], own, [(found, 1)])
    try:
        wanted = grids.shown(own, 0)
    except FormatError:
        assert not fine
        return
    assert fine
    assert found[:, 1:].tobytes() == wanted.tobytes()
    assert (found[:, 0] == 7).all()
