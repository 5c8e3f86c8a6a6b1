/** Rice codes (FORMAT.md, section 5.1). */

import type { FieldReader } from "./fields.js";

const MAX_QUOTIENT = 2 ** 19;
const MAX_VALUE = 2 ** 31;

/** `count` quotients from a section of `length` bytes, all of which they must take. */
export function readQuotients(reader: FieldReader, count: number, length: number): Uint32Array {
  const at = reader.position;
  if (length > 8 * count) throw reader.error("bad-field", `${length} bytes of quotients for ${count} values`, at);
  const bytes = reader.take(length);
  const quotients = new Uint32Array(count);
  let told = 0;
  let zeros = 0;
  for (let i = 0; i < length; i++) {
    let bits = bytes[i];
    let left = 8;
    while (bits !== 0) {
      if (told === count) throw reader.error("bad-field", "more quotients than values", at);
      const leading = Math.clz32(bits) - (32 - left);
      zeros += leading;
      if (zeros >= MAX_QUOTIENT) throw reader.error("bad-field", "a quotient of 2^19 or more", at);
      quotients[told++] = zeros;
      zeros = 0;
      left -= leading + 1;
      bits &= (1 << left) - 1;
    }
    zeros += left;
  }
  if (told < count) throw reader.error("bad-field", `${told} quotients for ${count} values`, at);
  if (zeros > 7) throw reader.error("bad-field", "bytes after the last quotient", at);
  return quotients;
}

/** Reads values of some bits each, highest first. */
export class BitReader {
  private bit = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** The next `count` bits, at most 30; past the end, zeros. */
  read(count: number): number {
    let value = 0;
    let wanted = count;
    while (wanted > 0) {
      const left = 8 - (this.bit & 7);
      const taken = wanted < left ? wanted : left;
      const byte = this.bytes[this.bit >> 3] ?? 0;
      value = (value << taken) | ((byte >> (left - taken)) & ((1 << taken) - 1));
      this.bit += taken;
      wanted -= taken;
    }
    return value;
  }

  /** Whether exactly all bytes were used and the bits left in the last one are zero. */
  get isSpent(): boolean {
    if ((this.bit + 7) >> 3 !== this.bytes.length) return false;
    const left = this.bytes.length * 8 - this.bit;
    return left === 0 || (this.bytes[this.bytes.length - 1] & ((1 << left) - 1)) === 0;
  }
}

/** zigzag(d) = 2 d for d ≥ 0, −2 d − 1 otherwise, undone. */
export const unzigzag = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2);

/** `count` integers in ascending order, all below 2^31; equal neighbours only if not `strict`. */
export function readAscending(reader: FieldReader, count: number, strict = false): Int32Array {
  const at = reader.position;
  const k = reader.u8();
  if (k > 30) throw reader.error("bad-field", `a Rice parameter of ${k}`, at);
  const quotients = readQuotients(reader, count, reader.varint());
  const remaindersAt = reader.position;
  const bits = new BitReader(reader.take(Math.ceil((count * k) / 8)));
  const values = new Int32Array(count);
  let last = 0;
  for (let i = 0; i < count; i++) {
    const step = quotients[i] * 2 ** k + bits.read(k);
    if (strict && i > 0 && step === 0) throw reader.error("bad-field", "a list is not strictly ascending", at);
    last += step;
    if (last >= MAX_VALUE) throw reader.error("bad-field", "a value of a list is 2^31 or more", at);
    values[i] = last;
  }
  if (!bits.isSpent) throw reader.error("bad-field", "the bits after the remainders are not zero", remaindersAt);
  return values;
}
