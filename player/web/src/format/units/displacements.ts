/** Displacements of base vertices (§6.5). */

import { readSignedColumn } from "../compression.js";
import type { FieldReader } from "../fields.js";

const EXACT = 2 ** 53;

/** (count, 3). */
export function readDisplacements(reader: FieldReader, count: number): Float32Array {
  const at = reader.position;
  const head = reader.take(5);
  const step = new DataView(head.buffer, head.byteOffset).getUint32(0, true);
  const shift = head[4];
  if (shift > 52) throw reader.error("bad-field", `a shift of ${shift}`, at);
  const scale = 2 ** -shift;
  const values = new Float32Array(3 * count);
  for (let axis = 0; axis < 3; axis++) {
    const column = readSignedColumn(reader, count);
    for (let i = 0; i < count; i++) {
      const product = column[i] * step;
      if (Math.abs(product) >= EXACT) throw reader.error("bad-field", "a displacement reaches beyond 2^53", at);
      values[3 * i + axis] = product * scale;
    }
  }
  return values;
}
