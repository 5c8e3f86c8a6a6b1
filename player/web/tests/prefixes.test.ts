/** The scene law: prefixes, pieces, and any order of arrival. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Decoder, decode, PavError } from "../dist/format/index.js";
import { decoded, type Told } from "../dist/decoded.js";
import { FILE_HEADER, join, randomNumbers, spans, toy, TOYS } from "./files.js";

/** Whether the bytes end inside a unit. */
function isPartial(data: Uint8Array): boolean {
  const decoder = new Decoder();
  decoder.feed(data);
  decoder.close();
  return [...decoder.events()].some((event) => event.event === "ended" && event.partial !== null);
}

const ends = (data: Uint8Array): number[] => [FILE_HEADER, ...spans(data).map((span) => span.end)];

for (const name of TOYS) {
  test(`toy ${name}: every prefix is the scene of the units complete in it`, () => {
    const data = toy(name);
    const units = spans(data);
    for (let length = 0; length <= data.length; length++) {
      const nearEnd = ends(data).some((end) => Math.abs(end - length) <= 1);
      if (!nearEnd && length % 37 !== 0) continue;
      const prefix = data.subarray(0, length);
      const result = decoded(prefix) as Told;
      assert.equal(result.error, null, `prefix of ${length}`);
      assert.deepEqual(result.damage, [], `prefix of ${length}`);
      const complete = units.filter((unit) => unit.end <= length).map((unit) => unit.id);
      assert.deepEqual(result.active, complete);
      const atEnd = length < FILE_HEADER || ends(data).includes(length);
      assert.equal(isPartial(prefix), !atEnd, `prefix of ${length}`);
    }
  });

  test(`toy ${name}: the arrays of a prefix are the leading part of those of the whole`, () => {
    const data = toy(name);
    const whole = decode(data).arrays();
    for (const end of ends(data)) {
      const part = decode(data.subarray(0, end)).arrays();
      for (const key of ["indices", "sites", "means", "quats", "logScales", "opacities", "sh0"] as const) {
        assert.deepEqual(part[key], whole[key].subarray(0, part[key].length), `${key} of the first ${end} bytes`);
      }
    }
  });

  test(`toy ${name}: how the bytes are split does not matter`, () => {
    const data = toy(name);
    const whole = decoded(data);
    for (const chunkBytes of [1, 7, 64, 1000]) assert.deepEqual(decoded(data, { chunkBytes }), whole);
  });

  test(`toy ${name}: the order of arrival does not matter`, () => {
    const data = toy(name);
    const units = spans(data);
    const random = randomNumbers(5);
    const whole = decode(data);
    for (let round = 0; round < 8; round++) {
      const order = [...units];
      if (round === 0) order.reverse();
      else order.sort(() => random(3) - 1);
      const decoder = new Decoder();
      decoder.feedAt(0, data.subarray(0, units[0].end));
      for (const { start, end } of order) decoder.feedAt(start, data.subarray(start, end));
      assert.deepEqual(
        [...decoder.events()].filter((event) => event.event === "damaged"),
        [],
      );
      assert.deepEqual(decoder.scene.arrays(), whole.arrays());
      assert.deepEqual(decoder.scene.effective(), whole.effective());
    }
  });

  test(`toy ${name}: units in another order in the stream are the same scene`, () => {
    const data = toy(name);
    const parts = spans(data).map(({ start, end }) => data.subarray(start, end));
    const [directory, ...others] = parts;
    const moved = join(data.subarray(0, FILE_HEADER), directory, ...others.reverse());
    assert.deepEqual(decode(moved).arrays(), decode(data).arrays());
  });
}

test("a lost unit that is received again counts as if it had come whole", () => {
  const data = toy("face");
  const unit = spans(data).find(({ type }) => type === 9)!;
  const damaged = data.slice();
  damaged[unit.start + 30] ^= 4;
  const decoder = new Decoder();
  decoder.feed(damaged);
  assert.deepEqual(
    [...decoder.events()].flatMap((event) => (event.event === "damaged" ? [event.unit] : [])),
    [unit.id],
  );
  assert.ok(decoder.scene.gaussianCount < decode(data).gaussianCount);
  decoder.feedAt(unit.start, data.subarray(unit.start, unit.end));
  for (const _ of decoder.events());
  assert.deepEqual(decoder.scene.arrays(), decode(data).arrays());
});

test("a rig file may come before or after its name is known", () => {
  const data = toy("shared-rig");
  const late = new Decoder();
  late.feed(data);
  assert.ok([...late.events()].some((event) => event.event === "rig-named"));
  assert.equal(late.scene.gaussianCount, 0);
  late.supplyRig(toy("rig-only"));
  for (const _ of late.events());
  const early = new Decoder();
  early.supplyRig(toy("rig-only"));
  early.feed(data);
  for (const _ of early.events());
  assert.ok(early.scene.isAnimatable);
  assert.deepEqual(late.scene.arrays(), early.scene.arrays());
  const wrong = new Decoder();
  wrong.supplyRig(toy("face"));
  wrong.feed(data);
  assert.throws(
    () => [...wrong.events()],
    (error) => error instanceof PavError && error.code === "rig-mismatch",
  );
});

test("a hand-over acts when its successors are there, not before", () => {
  const data = toy("hand-over");
  const handOver = spans(data).find(({ type }) => type === 10)!;
  const before = decode(data.subarray(0, handOver.end));
  assert.equal(before.handOvers.length, 1);
  assert.deepEqual(before.effective().opacities, before.arrays().opacities);
  const whole = decode(data);
  assert.notDeepEqual(whole.effective().opacities, whole.arrays().opacities);
});
