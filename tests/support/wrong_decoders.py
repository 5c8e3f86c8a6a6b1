"""Decoders with one thing wrong, each an `ask` for the conformance runner."""

import json
import struct
import zlib
from contextlib import contextmanager, nullcontext
from functools import cache
from unittest import mock

import numpy as np

import pavfmt.decoding.decoder
from pavfmt.codec import compiled
from pavfmt.codec.quantization import Affine
from pavfmt.container.headers import UnitHeader
from spec.tools.conformance import DecoderFailedError
from spec.tools.decoded import decoded


@cache
def right_answer(data, rig):
    return json.dumps(decoded(data, rig))


def asking(change_data=lambda data: data, change_state=lambda state: state, fault=nullcontext):
    """The reference decoder with other bytes in, other words out, or a fault inside."""

    def ask(paths, rig):
        rig_file = None if rig is None else rig.read_bytes()
        if fault is nullcontext:
            right = (json.loads(right_answer(change_data(path.read_bytes()), rig_file)) for path in paths)
            return [json.dumps(change_state(state)) for state in right]
        with fault(), compiled.switched(False):  # what is spoiled is the NumPy code
            return [json.dumps(decoded(path.read_bytes(), rig_file)) for path in paths]

    return ask


def resealed(data):
    """All checksums set right, whatever was wrong: a reader that does not look at them."""
    at, out = 52, bytearray(data)
    if len(data) >= 52:
        out[48:52] = struct.pack("<I", zlib.crc32(bytes(out[:48])))
    while at + UnitHeader.SIZE <= len(out):
        length = int.from_bytes(out[at + 8 : at + 12], "little")
        payload = bytes(out[at + 20 : at + 20 + length])
        if len(payload) == length:
            out[at + 12 : at + 16] = struct.pack("<I", zlib.crc32(payload))
        out[at + 16 : at + 20] = struct.pack("<I", zlib.crc32(bytes(out[at : at + 16])))
        at += UnitHeader.SIZE + length
    return bytes(out)


def saying(**fields):
    return lambda state: state if state["error"] else {**state, **fields}


def _without_error(state):
    return {"error": None, "damage": []} if state["error"] else state


def _shifted(state):
    moved = [{**one, "offset": one["offset"] + 1} for one in state.get("damage", [])]
    return {**state, "damage": moved} if moved else state


def _stored_only(state):
    if state["error"]:
        return state
    gaussians = {**state["gaussians"], "effective_opacities": state["gaussians"]["opacities"]}
    return {**state, "gaussians": gaussians}


def _patched(target, name, wrong):
    return lambda: mock.patch.object(target, name, wrong)


def _rounded_twice(self, quantized):
    scaled = np.float32(self.offset) + np.float32(self.step) * quantized.astype(np.float32)
    return (scaled * np.float32(2.0**-self.shift)).astype(np.float32)


@contextmanager
def _scalar_last():
    right = pavfmt.codec.quantization.dequantize_quaternions
    with mock.patch.object(
        pavfmt.codec.quantization, "dequantize_quaternions", lambda *given: np.roll(right(*given), -1, axis=1)
    ):
        yield


WRONG = {
    "looks at no checksum": asking(change_data=resealed),
    "lacks the last byte": asking(change_data=lambda data: data[:-1]),
    "believes a byte that is not there": asking(change_data=lambda data: data + b"\0"),
    "needs the whole file": asking(change_data=lambda data: data if len(data) % 2 else data[:52]),
    "keeps the order of arrival": asking(
        fault=_patched(pavfmt.units.contents, "bisect_right", lambda firsts, first: len(firsts))
    ),
    "rounds twice": asking(fault=_patched(Affine, "_values", _rounded_twice)),
    "writes quaternions with w last": asking(fault=_scalar_last),
    "knows no hand-over": asking(change_state=_stored_only),
    "refuses nothing": asking(change_state=_without_error),
    "refuses everything": asking(change_state=lambda state: {"error": {"code": "bad-field", "offset": 0}}),
    "is silent about damage": asking(change_state=saying(damage=[])),
    "is a byte off about damage": asking(change_state=_shifted),
    "names another code": asking(
        change_state=lambda state: (
            {"error": {**state["error"], "code": "bad-field"}} if state["error"] else state
        )
    ),
    "adds metadata": asking(
        change_state=saying(metadata={"title": "mine", "license": "mine", "extra": "mine"})
    ),
    "calls everything visible": asking(change_state=saying(visible=True)),
    "says 1 for true": asking(change_state=lambda state: saying(visible=int(state.get("visible", 0)))(state)),
    "shows units whose needs are missing": asking(
        fault=_patched(pavfmt.decoding.decoder.Decoder, "_missing", lambda self, unit: [])
    ),
    "prints no JSON": lambda paths, rig: ["scene"] * len(paths),
    "prints JSON of another kind": lambda paths, rig: ["[]"] * len(paths),
}


def crashing_on_refusal(paths, rig):
    """Answers only where nothing is refused."""
    lines = asking()(paths, rig)
    if any(json.loads(line)["error"] for line in lines):
        raise DecoderFailedError("exit status 1: Traceback")
    return lines


WRONG["crashes where it should refuse"] = crashing_on_refusal
