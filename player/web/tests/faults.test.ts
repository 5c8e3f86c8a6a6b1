/** Damage, hostile bytes, and what a newer version may bring. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Decoder, decode, SEVERITIES, type ErrorCode } from "../dist/format/index.js";
import { decoded, type Refused, type Told } from "../dist/decoded.js";
import {
  demoAvatar,
  FILE_HEADER,
  join,
  makeUnit,
  randomNumbers,
  spans,
  toy,
  TOYS,
  UNIT_HEADER,
  withHeader,
  withPayloadByte,
} from "./files.js";

const found = (result: Refused | Told): readonly { code: ErrorCode; offset: number }[] =>
  result.error ? [result.error] : result.damage;

for (const name of [...TOYS, "rig-only"]) {
  test(`toy ${name}: no flipped bit is accepted in silence`, () => {
    const data = toy(name);
    const whole = new Set(decode(data).active);
    for (let bit = 0; bit < 8 * data.length; bit += 13) {
      const flipped = data.slice();
      flipped[bit >> 3] ^= 1 << (bit & 7);
      const result = decoded(flipped);
      assert.ok(found(result).length > 0, `bit ${bit}`);
      if (result.error === null) for (const id of result.active) assert.ok(whole.has(id), `bit ${bit}`);
    }
  });
}

test("the demo avatar: a flipped bit costs one unit and those that need it", () => {
  const data = demoAvatar();
  const random = randomNumbers(1);
  const whole = decode(data);
  for (let round = 0; round < 12; round++) {
    const flipped = data.slice();
    flipped[random(data.length)] ^= 1 << random(8);
    const result = decoded(flipped);
    assert.equal(found(result).length, 1);
    assert.ok(result.error !== null || result.gaussians.count <= whole.gaussianCount);
  }
});

test("hostile payloads end in a result or a PavError", () => {
  const random = randomNumbers(2);
  for (const name of TOYS) {
    for (let round = 0; round < 400; round++) {
      let data = toy(name);
      for (let change = 0; change <= random(3); change++) {
        const units = spans(data);
        const { start, end } = units[random(units.length)];
        if (end - start > UNIT_HEADER) {
          data = withPayloadByte(data, start + UNIT_HEADER + random(end - start - UNIT_HEADER), random(256));
        }
      }
      decoded(data);
    }
  }
});

/** One file for each code that a reader may report. */
function faultyFiles(): Partial<Record<ErrorCode, [Uint8Array, number]>> {
  const data = toy("face");
  const units = spans(data);
  const end = data.length;
  const byType = (type: number): (typeof units)[number] => units.find((unit) => unit.type === type)!;
  const flipped = (offset: number): Uint8Array => {
    const changed = data.slice();
    changed[offset] ^= 16;
    return changed;
  };
  const added = (...unit: Parameters<typeof makeUnit>): Uint8Array => join(data, makeUnit(...unit));
  const metadata = byType(11);
  const metadataBytes = data.subarray(metadata.start + UNIT_HEADER, metadata.end);
  const replaced = (payload: ArrayLike<number>): Uint8Array =>
    join(data.subarray(0, metadata.start), makeUnit(11, metadata.id, payload), data.subarray(metadata.end));
  const inMetadata = metadata.start + UNIT_HEADER;
  return {
    "bad-signature": [flipped(3), 0],
    "unsupported-version": [withHeader(data, (view) => view.setUint16(8, 1, true)), 8],
    "unsupported-feature": [withHeader(data, (view) => view.setUint32(12, 2, true)), 12],
    "unsupported-unit": [added(900, 900, [], 1), end],
    "file-header-damaged": [flipped(30), 48],
    "file-header-reserved": [withHeader(data, (view) => view.setUint16(46, 1, true)), 46],
    "critical-unit-damaged": [flipped(byType(2).start + 40), byType(2).start + UNIT_HEADER],
    "limit-exceeded": [withHeader(data, (view) => view.setUint32(20, 2 ** 20 + 1, true)), 20],
    "unit-header-damaged": [flipped(byType(9).start + 9), byType(9).start],
    "unit-payload-damaged": [flipped(byType(9).start + 40), byType(9).start + UNIT_HEADER],
    "unit-header-reserved": [added(11, 900, [0, 0], 2), end + 2],
    "wrong-criticality": [added(13, 900, [0, 0], 1), end + 2],
    "duplicate-unit": [join(data, data.subarray(metadata.start, metadata.end)), end + 4],
    "bad-needs": [added(13, 900, [1, 0]), end + UNIT_HEADER + 1],
    "short-payload": [replaced(metadataBytes.subarray(0, 1)), inMetadata + 1],
    "long-payload": [replaced([0, 0, 0]), inMetadata + 2],
    "bad-field": [replaced([0, 1, 0, 0]), inMetadata + 2],
    "bad-string": [replaced([0, 1, 1, 0xff, 0]), inMetadata + 3],
    "bad-column": [withPayloadByte(data, units[0].start + UNIT_HEADER + 18, 0x0f), units[0].start + UNIT_HEADER + 20],
    "index-out-of-range": [
      withPayloadByte(data, byType(5).start + UNIT_HEADER + 2, 100),
      byType(5).start + UNIT_HEADER + 2,
    ],
    "overlapping-range": [added(11, 900, [0, 0]), end],
  };
}

test("each code has a file, and is reported at its field", () => {
  const files = faultyFiles();
  for (const [code, [data, offset]] of Object.entries(files) as [ErrorCode, [Uint8Array, number]][]) {
    const result = decoded(data);
    assert.equal(found(result)[0]?.code, code);
    assert.equal(found(result)[0]?.offset, offset);
    if (SEVERITIES[code] === "fatal") assert.ok(result.error, code);
  }
  const elsewhere = ["rig-mismatch"];
  assert.deepEqual([...Object.keys(files), ...elsewhere].sort(), Object.keys(SEVERITIES).sort());
});

test("errors stay, and are the same in pieces of any size", () => {
  for (const [data] of Object.values(faultyFiles())) {
    const whole = decoded(data);
    for (const chunkBytes of [1, 13]) assert.deepEqual(decoded(data, { chunkBytes }), whole);
  }
  for (const [code, [data]] of Object.entries(faultyFiles()) as [ErrorCode, [Uint8Array, number]][]) {
    if (SEVERITIES[code] !== "fatal") continue;
    const decoder = new Decoder();
    decoder.feed(data);
    for (let call = 0; call < 3; call++) assert.throws(() => [...decoder.events()], { code });
  }
});

test("what another unit has brought already ends decoding", () => {
  const data = toy("face");
  for (const type of [5, 8, 9]) {
    const { id, start, end } = spans(data).find((unit) => unit.type === type)!;
    const payload = data.slice(start + UNIT_HEADER, end);
    payload[1] += 20; // the first need, seen from an id that is 20 higher
    const { error } = decoded(join(data, makeUnit(type, id + 20, payload)));
    assert.deepEqual(error, { code: "overlapping-range", offset: data.length });
  }
});

test("the other unit of the same id, whatever the order, ends decoding", () => {
  const data = toy("face");
  const other = makeUnit(11, spans(data)[1].id, [0, 0]);
  for (const file of [join(data, other), join(data.subarray(0, FILE_HEADER), other, data.subarray(FILE_HEADER))]) {
    assert.equal(decoded(file).error?.code, "duplicate-unit");
  }
});

test("a newer minor version plays: unknown ancillary units and features are passed over", () => {
  const data = toy("face");
  const newer = withHeader(data, (view) => {
    view.setUint16(10, 9, true);
    view.setUint32(16, 1 << 31, true);
  });
  const units = spans(newer);
  const cut = units[3].end;
  const unknown = makeUnit(500, 900, [1, 2, 3]);
  const result = decoded(join(newer.subarray(0, cut), unknown, newer.subarray(cut))) as Told;
  const plain = decoded(data) as Told;
  const { minor, ancillaryFeatures } = decode(newer).header!;
  assert.deepEqual(result, {
    ...plain,
    header: { ...plain.header, version: [0, minor], ancillary_features: ancillaryFeatures },
    active: [...plain.active, 900],
  });
});

test("lower limits are kept", () => {
  const data = toy("face");
  for (const limits of [{ gaussians: 5 }, { vertices: 2 }, { unitBytes: 100 }, { units: 3 }, { stringBytes: 2 }]) {
    assert.throws(() => decode(data, limits), { code: "limit-exceeded" });
  }
  const { start } = spans(data).find((unit) => unit.end - unit.start > UNIT_HEADER + 100)!;
  assert.throws(() => decode(data, { unitBytes: 100 }), { offset: start + 8 });
});
