/** Columns: arrays of unsigned integers, stored, in a zstd frame, or constant (§5). */

import type { FieldReader } from "./fields.js";
import { ColumnCodec, ColumnTransform } from "./registry.js";
import { openFrame } from "./zstd.js";

type Width = 1 | 2 | 4;

/** A column of `count` values of `width` bytes, as Uint32Array. */
export function readColumn(reader: FieldReader, count: number, width: Width): Uint32Array {
  const kind = reader.u8();
  const codec = kind & 15;
  const transform = kind >> 4;
  const length = reader.length();
  const at = reader.position;
  const bytes = reader.take(length);
  if (codec > ColumnCodec.constant || transform > ColumnTransform.zigzag)
    throw reader.error("bad-column", `a column of kind ${kind}`, at);
  if (codec === ColumnCodec.constant) {
    if (transform !== ColumnTransform.none || count === 0 || length !== width) {
      throw reader.error("bad-column", `a constant of ${length} bytes for ${count} values of ${width}`, at);
    }
    return new Uint32Array(count).fill(fromPlanes(bytes, 1, width)[0]);
  }
  const values = fromPlanes(open(reader, codec, bytes, count * width, at), count, width);
  if (transform === ColumnTransform.delta) undoDelta(values, width);
  else if (transform === ColumnTransform.zigzag) undoZigzag(values, width);
  return values;
}

/** A signed column: its width, then the column, whose values are in two's complement. */
export function readSignedColumn(reader: FieldReader, count: number): Int32Array {
  const at = reader.position;
  const width = reader.u8();
  if (width !== 1 && width !== 2 && width !== 4) throw reader.error("bad-field", `a column of width ${width}`, at);
  const values = readColumn(reader, count, width);
  const signed = new Int32Array(values.buffer);
  const spare = 32 - 8 * width;
  for (let i = 0; i < count; i++) signed[i] = (signed[i] << spare) >> spare;
  return signed;
}

function open(reader: FieldReader, codec: number, bytes: Uint8Array, expected: number, at: number): Uint8Array {
  if (codec === ColumnCodec.stored) {
    if (bytes.length === expected) return bytes;
    throw reader.error("bad-column", `a column of ${bytes.length} bytes, not ${expected}`, at);
  }
  const content = codec === ColumnCodec.zstd ? openFrame(bytes, expected) : null;
  if (!content) throw reader.error("bad-column", `not one zstd frame of ${expected} bytes`, at);
  return content;
}

function fromPlanes(bytes: Uint8Array, count: number, width: Width): Uint32Array {
  const values = new Uint32Array(count);
  for (let plane = 0; plane < width; plane++) {
    const start = plane * count;
    const shift = 8 * plane;
    for (let i = 0; i < count; i++) values[i] = values[i] | (bytes[start + i] << shift);
  }
  return values;
}

const unzigzag = (value: number): number => (value >>> 1) ^ -(value & 1);

function undoDelta(values: Uint32Array, width: Width): void {
  const mask = width === 4 ? 0xffffffff : (1 << (8 * width)) - 1;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    sum = ((sum + unzigzag(values[i])) & mask) >>> 0;
    values[i] = sum;
  }
}

function undoZigzag(values: Uint32Array, width: Width): void {
  const mask = width === 4 ? 0xffffffff : (1 << (8 * width)) - 1;
  for (let i = 0; i < values.length; i++) values[i] = unzigzag(values[i]) & mask;
}
