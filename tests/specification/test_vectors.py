"""The test files in spec/vectors: made by recipe, complete, and what they say is so."""

import json
from functools import cache
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import zstandard
from grammar_agreement import assert_agreement, assert_no_gaps

from pavfmt import Decoder, PavError
from pavfmt.codec.columns import ColumnDecompressor
from pavfmt.decoding.events import UnitDamaged
from pavfmt.registry import ERROR_CODES, VERIFY_CODES, UnitType, WalkSymbol
from pavplayer.rasterizers import open_rasterizer, rules
from pavplayer.rasterizers.plain import PlainRasterizer
from spec.grammar import walk
from spec.tools.decoded import decoded
from spec.tools.vectors import recipe, rendered

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "spec" / "vectors"
INDEX = json.loads((VECTORS / "index.json").read_text())
NAMES = [entry["name"] for entry in INDEX["vectors"]]
BY_NAME = {entry["name"]: entry for entry in INDEX["vectors"]}
BUDGET = 1_500_000


@cache
def by_schema(name):
    schema = json.loads((ROOT / "spec" / "schemas" / f"{name}.json").read_text())
    return jsonschema.validators.validator_for(schema)(schema)


def data_of(name):
    return (VECTORS / f"{name}.pav").read_bytes()


def rig_of(name):
    return data_of(BY_NAME[name]["rig"]) if BY_NAME[name]["rig"] else None


def expected(name):
    return json.loads((VECTORS / f"{name}.json").read_text())


def names_in(folder):
    return [name for name in NAMES if name.startswith(f"{folder}/")]


def test_the_folder_is_what_the_recipe_makes():
    made_with = INDEX["zstd"]
    if made_with != ".".join(map(str, zstandard.ZSTD_VERSION)):
        pytest.skip(f"columns were compressed with zstd {made_with}, which is not installed")
    assert recipe.differences() == []


def test_the_index_keeps_to_its_schema_and_names_every_file():
    by_schema("vectors").validate(INDEX)
    stems = {path.relative_to(VECTORS).with_suffix("").as_posix() for path in VECTORS.rglob("*.pav")}
    assert stems == set(NAMES)
    assert sum(path.stat().st_size for path in VECTORS.rglob("*")) < BUDGET


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_decoder_gives_what_is_expected(name):
    state = decoded(data_of(name), rig_of(name))
    assert state == expected(name)
    by_schema("decoded").validate(state)


def test_every_code_that_a_decoder_can_tell_has_a_vector_and_verification_codes_have_theirs():
    told = {entry["error"]["code"] for entry in INDEX["vectors"] if entry["error"]}
    assert told == ERROR_CODES.keys()
    findings = {code for entry in INDEX["vectors"] for code in entry["findings"]}
    assert findings >= VERIFY_CODES.keys()


def test_an_invalid_vector_breaks_one_thing_at_the_byte_the_index_says():
    for name in names_in("invalid"):
        state, wrong = expected(name), BY_NAME[name]["error"]
        found = [state["error"]] if state["error"] else state["damage"]
        assert [(one["code"], one["offset"]) for one in found] == [(wrong["code"], wrong["offset"])]
        severity, _ = ERROR_CODES[wrong["code"]]
        assert state["error"] is not None or severity == "damage" or wrong["code"] == "duplicate-unit"


@pytest.mark.parametrize("name", names_in("invalid"))
def test_what_is_wrong_is_said(name):
    decoder = Decoder()
    if (rig := rig_of(name)) is not None:
        decoder.supply_rig(rig)
    decoder.feed(data_of(name))
    said = []
    try:
        said += [event.message for event in decoder.events() if isinstance(event, UnitDamaged)]
    except PavError as error:
        said.append(error.message)
    (message,) = said
    assert len(message.split()) > 1 and "None" not in message


def test_a_valid_vector_has_no_damage():
    for name in names_in("valid"):
        assert expected(name)["error"] is None and expected(name)["damage"] == []
        assert BY_NAME[name]["findings"] == []


@pytest.mark.parametrize("name", [name for name in names_in("valid") if name != "valid/head"])
def test_grammar_and_decoder_agree_on_every_field(name):
    assert_no_gaps(assert_agreement(data_of(name), rig_of(name)), data_of(name))


@pytest.mark.parametrize("name", ["later-minor", "private-unit", "swapped", "late-hand-over", "wrong-totals"])
def test_grammar_and_decoder_agree_on_what_is_unusual(name):
    assert_agreement(data_of(f"unusual/{name}"))


@pytest.fixture(scope="module")
def fields():
    """Path → the values it takes in the valid vectors."""
    taken = {}
    for name in names_in("valid"):
        for leaf in walk(data_of(name), rig_of(name)).leaves:
            if not isinstance(leaf.value, bytes):
                taken.setdefault(leaf.path, set()).add(leaf.value)
    return taken


def ending(fields, suffix):
    return set().union(*(values for path, values in fields.items() if path.endswith(suffix)))


def test_the_valid_vectors_take_every_choice_the_text_gives(fields):
    kinds = ending(fields, ".kind")
    assert {0, 1, 2, 16, 17, 32, 33} <= kinds
    assert ending(fields, "block.form") | ending(fields, "grades.form") == {0, 1, 2}
    models = ending(fields, "models.kind")
    assert min(models) < 16 <= max(models)
    assert ending(fields, ".width") == {1, 2, 4}
    assert {1, 16} <= ending(fields, ".bits")
    assert {0, 1} == fields["graded"] == fields["levels.sh_frame"] == fields["levels.binding"]
    assert {0, 1, 2} == fields["levels.site"] == fields["rig_source"]
    assert {0, 1, 2, 3} == fields["levels.sh_degree"]
    assert max(fields["parts.scales.multiplier"]) > 1
    assert {0, 1} == fields["has_second_values"] == fields["moves"] == fields["subdivisions"]
    assert fields["type"] == {int(type_) for type_ in UnitType}


def test_the_valid_vectors_take_every_symbol_of_the_walk():
    symbols = set()
    for name in names_in("valid"):
        for unit in walk(data_of(name), rig_of(name)).units:
            if unit.header.type == UnitType.RIG:
                stream = unit.payload.symbols
                column = stream.column
                values = ColumnDecompressor().decompress(column.kind, column.data, stream.count, 1, 0)
                symbols |= set(values.tolist())
    assert symbols == {int(symbol) for symbol in WalkSymbol}


def test_prefixes_have_a_cut_at_every_boundary_and_each_state_is_right():
    for stem in INDEX["prefixes"]:
        cuts = json.loads((VECTORS / "prefixes" / f"{stem}.json").read_text())
        data, rig = data_of(cuts["vector"]), rig_of(cuts["vector"])
        lengths = [cut["bytes"] for cut in cuts["cuts"]]
        ends = [0, *(unit.offset for unit in walk(data, rig).units), len(data)]
        assert {end + step for end in ends for step in (-1, 0, 1)} & set(range(len(data) + 1)) <= set(lengths)
        for cut in cuts["cuts"][::5]:
            assert decoded(data[: cut["bytes"]], rig) == cuts["states"][cut["state"]]
        assert {cut["state"] for cut in cuts["cuts"]} == set(range(len(cuts["states"])))


def picture_request(name):
    return json.loads((VECTORS / "rendered" / f"{name}.json").read_text())


def drawn(name, rasterizer, change=lambda cloud: cloud):
    asked = picture_request(name)
    cloud = rendered.posed(data_of(asked["vector"]), rendered.read_pose(asked["pose"]))
    camera = rendered.read_camera(asked["camera"])
    picture = rasterizer.render(change(cloud), camera, tuple(asked["background"]))
    reference = recipe.read_png(VECTORS / "rendered" / asked["picture"])
    rms, peak = rendered.distance(picture, reference)
    return rms <= asked["tolerances"]["rms"] and peak <= asked["tolerances"]["peak"]


@pytest.mark.parametrize("name", INDEX["pictures"])
def test_another_rasterizer_draws_the_reference_pictures(name):
    pytest.importorskip("numba")
    assert drawn(name, open_rasterizer("cpu"))


def test_a_picture_with_the_ties_reversed_is_noticed():
    def reversed_order(cloud):
        fields = {name: None if value is None else value[::-1] for name, value in vars(cloud).items()}
        return type(cloud)(**fields)

    assert not drawn("ties", PlainRasterizer(), reversed_order)


def test_a_picture_without_the_blur_is_noticed(monkeypatch):
    monkeypatch.setattr(rules, "COVARIANCE_BLUR", 0.0)
    assert not drawn("head", PlainRasterizer())


def test_sh_that_do_not_turn_are_noticed():
    def unturned(cloud):
        return type(cloud)(**{**vars(cloud), "sh_quats": None})

    assert not drawn("mixed", PlainRasterizer(), unturned)


@pytest.mark.parametrize("name", INDEX["pictures"])
def test_posed_gaussians_are_those_of_the_reference(name):
    asked = picture_request(name)
    if asked["gaussians"] is None:
        assert name == "head"
        return
    cloud = rendered.posed(data_of(asked["vector"]), rendered.read_pose(asked["pose"]))
    for field, values in asked["gaussians"].items():
        np.testing.assert_allclose(getattr(cloud, field), values, atol=asked["tolerances"]["posed"])
