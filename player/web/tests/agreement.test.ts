/** The same arrays, to the bit, and the same poses as the Python reader. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { decode, Poser } from "../dist/format/index.js";
import { summarize } from "../dist/summary.js";
import { demoAvatar, expectedOf, toy, TOYS, type Expected } from "./files.js";

const TOLERANCE = 1e-6;

function checkArrays(data: Uint8Array, expected: Expected, rigFile: Uint8Array | null = null): void {
  const summary = summarize(data, { rigFile });
  assert.equal(summary.error, null);
  assert.deepEqual(summary.damage, []);
  assert.deepEqual(
    summary.active.map(({ id }) => id).sort((a, b) => a - b),
    expected.active,
  );
  assert.equal(summary.animatable, expected.animatable);
  assert.deepEqual(summary.arrays, expected.arrays);
}

function checkPose(data: Uint8Array, { posed }: Expected): void {
  assert.ok(posed);
  const result = new Poser(decode(data)).pose(posed);
  const arrays = { ...result, sh_quats: result.shQuats ?? new Float32Array(0) } as unknown as Record<
    string,
    Float32Array
  >;
  for (const [name, rows] of Object.entries(posed.arrays)) {
    const width = arrays[name].length / result.opacities.length;
    posed.rows.forEach((row, i) => {
      const wanted = [rows[i]].flat();
      const found = Array.from(arrays[name].subarray(row * width, (row + 1) * width));
      const sign = name.endsWith("quats") && wanted.reduce((sum, value, c) => sum + value * found[c], 0) < 0 ? -1 : 1;
      assert.equal(found.length, wanted.length);
      found.forEach((value, c) => assert.ok(Math.abs(sign * value - wanted[c]) < TOLERANCE, `${name} of row ${row}`));
    });
  }
}

for (const name of TOYS) {
  test(`toy ${name}: arrays to the bit`, () => checkArrays(toy(name), expectedOf(name)));
  test(`toy ${name}: the same in a pose`, () => checkPose(toy(name), expectedOf(name)));
}

test("a rig file, and a file that names it", () => {
  checkArrays(toy("rig"), expectedOf("rig"));
  checkArrays(toy("external"), expectedOf("external"), toy("rig"));
});

test("the demo avatar: arrays to the bit, and the same in a pose", () => {
  checkArrays(demoAvatar(), expectedOf("demo"));
  checkPose(demoAvatar(), expectedOf("demo"));
});

const REAL_HEAD = join(process.env["PAV_TEST_DATA"] ?? "", "lam", "status.zip");
const PYTHON = process.env["PYTHON"] ?? "python3";

test(
  "a real head",
  { skip: existsSync(REAL_HEAD) ? false : "PAV_TEST_DATA names no folder with lam/status.zip" },
  () => {
    const folder = mkdtempSync(join(tmpdir(), "pav-"));
    try {
      const file = join(folder, "head.pav");
      execFileSync(PYTHON, ["-m", "pavfmt.cli.main", "encode", "--quiet", "--no-search", REAL_HEAD, "-o", file]);
      const script = fileURLToPath(new URL("../tests/fixtures.py", import.meta.url));
      const expected = JSON.parse(execFileSync(PYTHON, [script, file], { encoding: "utf8" })) as Expected;
      const data = new Uint8Array(readFileSync(file));
      checkArrays(data, expected);
      checkPose(data, expected);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
