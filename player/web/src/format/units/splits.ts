/** Splits unit (§6.8). */

import { readColumn } from "../compression.js";
import type { FieldReader } from "../fields.js";
import { FaceIndex } from "../faces.js";
import type { SplitBlock } from "../model.js";
import { barycentrics } from "../quantization.js";
import { mostExpansion } from "../registry.js";
import { isStrict, readAscending } from "../rice.js";
import type { Needed } from "./needed.js";

const ONE = 2 ** 15;

export function readSplits(reader: FieldReader, needed: Needed): SplitBlock {
  const table = needed.levels();
  const levelAt = reader.position;
  const level = reader.u8();
  if (level >= table.levels.length) throw reader.error("bad-field", `no level ${level}`, levelAt);
  const first = reader.count("the first split", reader.limits.splits);
  const count = reader.count("a unit's split count", reader.limits.splits);
  if (level === 0 || first + count > table.levels[level].splitCount) {
    throw reader.error("index-out-of-range", `splits ${first} to ${first + count} of level ${level}`, levelAt);
  }
  if (count === 0 || count > mostExpansion(reader.payloadBytes))
    throw reader.error("bad-field", `${count} splits in this payload`, levelAt);
  const parents = readAscending(reader, count);
  const parentsEnd = reader.position;
  const places = readBarycentrics(reader, count);
  if (!isStrict(parents)) throw reader.error("bad-field", "a face is split twice", parentsEnd);
  const faces = new FaceIndex(needed.anyRig().faces.length / 3, needed.splits());
  const roots = parents.map((face) => {
    const root = faces.root(level - 1, face);
    if (root === null) throw reader.error("index-out-of-range", `no face ${face} of level ${level - 1}`, 0);
    return root;
  });
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
