/** Rice codes (§5.1). */

import type { FieldReader } from "./fields.js";

const MAX_QUOTIENT = 2 ** 19;
const MAX_VALUE = 2 ** 31;

/** The `count` quotients in `bytes`, all of which they must take; null if they do not. */
export function readQuotients(bytes: Uint8Array, count: number): Uint32Array | null {
  if (bytes.length > 8 * count) return null;
  const quotients = new Uint32Array(count);
  let told = 0;
  let zeros = 0;
  for (let i = 0; i < bytes.length; i++) {
    let bits = bytes[i];
    let left = 8;
    while (bits !== 0) {
      const leading = Math.clz32(bits) - (32 - left);
      zeros += leading;
      if (told === count || zeros >= MAX_QUOTIENT) return null;
      quotients[told++] = zeros;
      zeros = 0;
      left -= leading + 1;
      bits &= (1 << left) - 1;
    }
    zeros += left;
  }
  return told === count && zeros < 8 ? quotients : null;
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

/** `count` integers in ascending order, all below 2^31. */
export function readAscending(reader: FieldReader, count: number): Int32Array {
  const kAt = reader.position;
  const k = reader.u8();
  if (k > 30) throw reader.error("bad-field", `a Rice parameter of ${k}`, kAt);
  const at = reader.position;
  const quotients = readQuotients(reader.take(reader.length()), count);
  if (!quotients) throw reader.error("bad-column", `not the quotients of ${count} values`, at);
  const bits = new BitReader(reader.take(Math.ceil((count * k) / 8)));
  const values = new Int32Array(count);
  let last = 0;
  for (let i = 0; i < count; i++) {
    last += quotients[i] * 2 ** k + bits.read(k);
    values[i] = last;
  }
  if (!bits.isSpent) throw reader.error("bad-column", "the bits after the remainders are not zero");
  if (last >= MAX_VALUE) throw reader.error("index-out-of-range", "a value of a list is 2^31 or more", at);
  return values;
}

/** Whether no two neighbours of an ascending list are equal. */
export const isStrict = (values: Int32Array): boolean => values.every((value, i) => i === 0 || value > values[i - 1]);
