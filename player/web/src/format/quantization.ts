/** Grids: the exact meaning of quantized integers (§5). */

import type { FieldReader } from "./fields.js";

/** q stands for (offset + step · q) · 2^−shift; the bracket is below 2^53. */
export interface Grid {
  readonly offset: number;
  readonly step: number;
  readonly shift: number;
  readonly bits: number;
}

const GRID_BYTES = 14;

/** A grid is one field: what is wrong with it is wrong at its beginning. */
export function readGrid(reader: FieldReader): Grid {
  const at = reader.position;
  const bytes = reader.take(GRID_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset, GRID_BYTES);
  const wide = view.getBigInt64(0, true);
  const step = view.getUint32(8, true);
  const shift = view.getUint8(12);
  const bits = view.getUint8(13);
  if (bits < 1 || bits > 16) throw reader.error("bad-field", `a grid has ${bits} bits`, at);
  if (shift > 52) throw reader.error("bad-field", `a grid has the shift ${shift}`, at);
  const magnitude = wide < 0n ? -wide : wide;
  if (magnitude + BigInt(step) * BigInt(2 ** bits) >= 2n ** 53n) {
    throw reader.error("bad-field", "a grid reaches beyond 2^53", at);
  }
  return { offset: Number(wide), step, shift, bits };
}

/** Three grids: x, y, z. */
export function readGrids(reader: FieldReader, count: number): Grid[] {
  return Array.from({ length: count }, () => readGrid(reader));
}

/** Bytes of one value in a column on `grid`. */
export const columnWidth = (grid: Grid): 1 | 2 => (grid.bits <= 8 ? 1 : 2);

/** The exact value of q, to be rounded once to binary32. */
export const gridValue = (grid: Grid, q: number): number => (grid.offset + grid.step * q) * 2 ** -grid.shift;

/** Lowest and highest value on a grid. */
export const gridEnds = (grid: Grid): [number, number] => [gridValue(grid, 0), gridValue(grid, 2 ** grid.bits - 1)];

/** `values` on `grid`, written to every `stride`-th place of `target` from `start` on. */
export function dequantize(
  grid: Grid,
  values: ArrayLike<number>,
  target: Float32Array,
  start: number,
  stride: number,
): void {
  const scale = 2 ** -grid.shift;
  for (let i = 0; i < values.length; i++) target[start + stride * i] = (grid.offset + grid.step * values[i]) * scale;
}

/** Stereographic coordinates X, Y, Z (integers, unit 2^−24) to the unit quaternion (w, x, y, z), in binary32. */
export function stereographicQuat(x: number, y: number, z: number, target: Float32Array, at: number): void {
  const square = x * x + y * y + z * z;
  const whole = 2 ** 48 + square;
  target[at] = (2 ** 48 - square) / whole;
  target[at + 1] = (2 ** 25 * x) / whole;
  target[at + 2] = (2 ** 25 * y) / whole;
  target[at + 3] = (2 ** 25 * z) / whole;
}

/** Barycentric coordinates from their first two integers: three binary32 that sum to one. */
export function barycentrics(q0: number, q1: number, target: Float32Array, at: number): void {
  target[at] = q0 * 2 ** -15;
  target[at + 1] = q1 * 2 ** -15;
  target[at + 2] = (2 ** 15 - q0 - q1) * 2 ** -15;
}
