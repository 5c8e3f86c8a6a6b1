/** Reads the fields of a payload in turn (§2); each failure names code and offset. */

import { pavError, type ErrorCode, type PavError } from "./errors.js";
import type { Limits } from "./registry.js";

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const CONTROL = /[\u0000-\u0008\u000b-\u001f]/;

export class FieldReader {
  /** Where the next field begins, from the start of the payload. */
  position = 0;
  private readonly view: DataView;

  /** `bytes` are a payload, `base` is where it begins in the file. */
  constructor(
    readonly bytes: Uint8Array,
    readonly base: number,
    readonly limits: Limits,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The error `code` at the field that begins at `position`, by default the next one. */
  error(code: ErrorCode, message: string, position: number = this.position): PavError {
    return pavError(code, message, this.base + position);
  }

  /** The size that bounds what may be allocated. */
  get payloadBytes(): number {
    return this.bytes.length;
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.bytes.length - this.position;
  }

  /** The next `count` bytes, without a copy. */
  take(count: number): Uint8Array {
    if (count > this.remaining) {
      throw this.error("short-payload", `${count} bytes wanted, ${this.remaining} left`);
    }
    const bytes = this.bytes.subarray(this.position, this.position + count);
    this.position += count;
    return bytes;
  }

  u8(): number {
    return this.take(1)[0];
  }

  u16(): number {
    this.take(2);
    return this.view.getUint16(this.position - 2, true);
  }

  u32(): number {
    this.take(4);
    return this.view.getUint32(this.position - 4, true);
  }

  /** A finite binary32. */
  f32(): number {
    return this.f32s(1)[0];
  }

  /** `count` finite binary32, one field. */
  f32s(count: number): Float32Array {
    const at = this.position;
    this.take(4 * count);
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) values[i] = this.view.getFloat32(at + 4 * i, true);
    if (!values.every(Number.isFinite)) throw this.error("bad-field", "a number is not finite", at);
    return values;
  }

  /** LEB128 of at most nine bytes. Above 2^53 the result is rounded, and beyond every limit anyway. */
  varint(): number {
    const at = this.position;
    let value = 0;
    for (let i = 0, scale = 1; i < 9; i++, scale *= 128) {
      if (this.remaining === 0) throw this.error("short-payload", "the payload ends inside a varint");
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (byte === 0 && i > 0) throw this.error("bad-field", "a varint has a needless zero byte", at);
        return value;
      }
    }
    throw this.error("bad-field", "a varint of more than nine bytes", at);
  }

  /** A varint that must be at least `least`, and at most `limit` or it is over the limit. */
  count(what: string, limit: number, least = 0): number {
    const at = this.position;
    const value = this.varint();
    if (value < least) throw this.error("bad-field", `${what} is ${value}, less than ${least}`, at);
    if (value > limit) throw this.error("limit-exceeded", `${what} is ${value}, over ${limit}`, at);
    return value;
  }

  /** A varint that counts bytes to follow. */
  length(): number {
    return this.count("a length", this.limits.unitBytes);
  }

  /** A u8 that is 0 or 1. */
  flag(): boolean {
    const at = this.position;
    const value = this.u8();
    if (value > 1) throw this.error("bad-field", `a flag is ${value}`, at);
    return value === 1;
  }

  /** A u8 below the length of `names`: the name of that number. */
  choice<T extends string>(what: string, names: readonly T[]): T {
    const at = this.position;
    const value = this.u8();
    const name = names[value];
    if (name === undefined) throw this.error("bad-field", `${what} is ${value}`, at);
    return name;
  }

  string(): string {
    const length = this.count("a string's length", this.limits.stringBytes);
    const at = this.position;
    const bytes = this.take(length);
    let text: string;
    try {
      text = UTF8.decode(bytes);
    } catch {
      throw this.error("bad-string", "a string is not UTF-8", at);
    }
    if (CONTROL.test(text)) throw this.error("bad-string", "a string has control characters", at);
    return text;
  }

  /** Refuses what follows the last field. */
  end(): void {
    if (this.remaining > 0) throw this.error("long-payload", `${this.remaining} bytes after the last field`);
  }
}
