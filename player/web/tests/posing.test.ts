/** Poses of the vectors: where the Gaussians are in the world. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, Poser } from "../dist/format/index.js";
import { shots, vector, type Shot } from "./files.js";

type Row = readonly number[];

/** How far two rows are apart; quaternions q and −q are the same. */
function distance(name: string, found: Row, wanted: Row): number {
  const apart = (sign: number): number => Math.max(...wanted.map((value, c) => Math.abs(sign * found[c] - value)));
  return name.endsWith("quats") ? Math.min(apart(1), apart(-1)) : apart(1);
}

function check(shot: Shot): void {
  const { means, quats, scales, shQuats } = new Poser(decode(vector(shot.vector))).pose(shot.pose);
  const arrays: Record<string, Float32Array> = { means, quats, scales, ...(shQuats && { sh_quats: shQuats }) };
  assert.deepEqual(Object.keys(arrays), Object.keys(shot.gaussians!));
  for (const [name, rows] of Object.entries(shot.gaussians!)) {
    const width = rows[0].length;
    assert.equal(arrays[name].length, rows.length * width);
    rows.forEach((wanted, i) => {
      const found = [...arrays[name].subarray(i * width, (i + 1) * width)];
      assert.ok(distance(name, found, wanted) <= shot.tolerances.posed, `${name} of ${i}: ${found}, not ${wanted}`);
    });
  }
}

for (const [name, shot] of shots()) if (shot.gaussians) test(`posed ${name}`, () => check(shot));
