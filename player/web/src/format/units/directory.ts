/** Directory unit (§6.1). */

import { readColumn } from "../compression.js";
import type { FieldReader } from "../fields.js";
import { UNIT_HEADER_BYTES } from "../layout.js";
import type { DirectoryEntry } from "../model.js";
import { mostEntries } from "../registry.js";

const NO_LEVEL = 255;

/** The entries of units 1, 2, …, of which the first begins at `firstOffset`. */
export function readDirectory(reader: FieldReader, firstOffset: number): DirectoryEntry[] {
  const countAt = reader.position;
  const count = reader.count("the directory's count", reader.limits.units);
  if (count > mostEntries(reader.payloadBytes)) {
    throw reader.error("bad-field", `${count} entries in ${reader.payloadBytes} bytes`, countAt);
  }
  const box = reader.f32s(4);
  const typesAt = reader.position;
  const types = readColumn(reader, count, 4);
  if (types.some((type) => (type & 0x7fff0000) !== 0))
    throw reader.error("bad-field", "a type has reserved bits", typesAt);
  const lengths = readColumn(reader, count, 4);
  const levels = readColumn(reader, count, 1);
  const gaussianCounts = readColumn(reader, count, 4);
  const importanceAt = reader.position;
  const importance = new Float32Array(readColumn(reader, count, 4).buffer);
  if (!importance.every(Number.isFinite)) throw reader.error("bad-field", "an importance is not finite", importanceAt);
  const regions = readColumn(reader, count, 2);
  const spheres = [0, 1, 2, 3].map(() => readColumn(reader, count, 2));
  const needs = readEntryNeeds(reader, count);
  reader.end();
  let offset = firstOffset;
  return Array.from({ length: count }, (_, k) => {
    const entry: DirectoryEntry = {
      id: k + 1,
      type: types[k] & 0xffff,
      isCritical: types[k] >>> 31 === 1,
      offset,
      length: lengths[k],
      level: levels[k] === NO_LEVEL ? null : levels[k],
      gaussianCount: gaussianCounts[k],
      importance: importance[k],
      regions: regions[k],
      sphere: sphere(
        box,
        spheres.map((column) => column[k]),
      ),
      needs: needs[k],
    };
    offset += UNIT_HEADER_BYTES + entry.length;
    return entry;
  });
}

function sphere(box: Float32Array, q: number[]): DirectoryEntry["sphere"] {
  const size = box[3];
  const along = (axis: number): number => box[axis] + (q[axis] / 65535) * size;
  return [along(0), along(1), along(2), (q[3] / 65535) * size];
}

function readEntryNeeds(reader: FieldReader, count: number): number[][] {
  const counts = readColumn(reader, count, 4);
  const totalAt = reader.position;
  const total = reader.varint();
  if (total !== counts.reduce((sum, value) => sum + value, 0)) {
    throw reader.error("bad-field", "the needs are not as many as the entries' together", totalAt);
  }
  if (total > mostEntries(reader.payloadBytes)) throw reader.error("bad-field", `${total} needs`, totalAt);
  const distances = readColumn(reader, total, 4);
  let next = 0;
  return Array.from({ length: count }, (_, k) => {
    const own = distances.subarray(next, (next += counts[k]));
    return Array.from(own, (distance) => {
      if (distance > k + 1) throw reader.error("bad-needs", `a need at the distance ${distance}`, totalAt);
      return k + 1 - distance;
    });
  });
}
