/** Splits unit (FORMAT.md, section 6.8). */

import { readColumn } from "../compression.js";
import type { FieldReader } from "../fields.js";
import { FaceIndex } from "../faces.js";
import type { LevelTable, RigCore, SplitBlock } from "../model.js";
import { barycentrics } from "../quantization.js";
import { readAscending } from "../rice.js";

const ONE = 2 ** 15;

/** `needed` are the splits among the unit's needs. */
export function readSplits(reader: FieldReader, rig: RigCore, table: LevelTable, needed: readonly SplitBlock[]): SplitBlock {
  const levelAt = reader.position;
  const level = reader.u8();
  if (level === 0) throw reader.error("bad-field", "level 0 has no splits", levelAt);
  if (level >= table.levels.length) throw reader.error("index-out-of-range", `no level ${level}`, levelAt);
  const firstAt = reader.position;
  const first = reader.varint();
  const countAt = reader.position;
  const count = reader.varint();
  if (count > 64 + 4 * reader.payloadBytes) throw reader.error("bad-field", `${count} splits in this payload`, countAt);
  if (first + count > table.levels[level].splitCount) {
    throw reader.error("index-out-of-range", `splits ${first} to ${first + count} of level ${level}`, firstAt);
  }
  const parentsAt = reader.position;
  const parents = readAscending(reader, count, true);
  const faces = new FaceIndex(rig.faces.length / 3, needed);
  const roots = parents.map((face) => {
    const root = faces.root(level - 1, face);
    if (root === null) throw reader.error("index-out-of-range", `no face ${face} of level ${level - 1}`, parentsAt);
    return root;
  });
  const places = readBarycentrics(reader, count);
  reader.end();
  return { level, first, parents, barycentrics: places, roots };
}

function readBarycentrics(reader: FieldReader, count: number): Float32Array {
  const at = reader.position;
  const q0 = readColumn(reader, count, 2);
  const q1 = readColumn(reader, count, 2);
  const values = new Float32Array(3 * count);
  for (let i = 0; i < count; i++) {
    if (q0[i] + q1[i] > ONE) throw reader.error("bad-field", "barycentric coordinates beyond one", at);
    barycentrics(q0[i], q1[i], values, 3 * i);
  }
  return values;
}
