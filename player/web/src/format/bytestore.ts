/** The bytes received so far, in whatever order they came. */

interface Segment {
  start: number;
  /** Bytes in use; `buffer` may be longer. */
  length: number;
  buffer: Uint8Array;
}

/** A range of the file, [start, end). */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Holds disjoint segments, ascending; touching ones are merged. Memory follows what has arrived. */
export class ByteStore {
  private segments: Segment[] = [];

  /** Stores `data` at `offset`, over what was there, and returns the segment it now belongs to. */
  write(offset: number, data: Uint8Array): Range {
    const end = offset + data.length;
    const touched = this.segments.filter((s) => s.start <= end && s.start + s.length >= offset);
    const first = touched[0];
    const target = first && first.start <= offset ? first : { start: offset, length: 0, buffer: new Uint8Array(0) };
    for (const segment of touched) {
      if (segment !== target) put(target, segment.start, segment.buffer.subarray(0, segment.length));
    }
    put(target, offset, data);
    if (!(touched.length === 1 && first === target)) {
      this.segments = [...this.segments.filter((s) => !touched.includes(s)), target];
      this.segments.sort((a, b) => a.start - b.start);
    }
    return { start: target.start, end: target.start + target.length };
  }

  /** The segments there are, ascending. */
  ranges(): Range[] {
    return this.segments.map((s) => ({ start: s.start, end: s.start + s.length }));
  }

  /** Up to `length` bytes that stand at `offset`, without a copy; fewer where the segment ends. */
  peek(offset: number, length: number): Uint8Array {
    const segment = this.segments.find((s) => s.start <= offset && offset < s.start + s.length);
    if (!segment) return new Uint8Array(0);
    const begin = offset - segment.start;
    return segment.buffer.subarray(begin, Math.min(begin + length, segment.length));
  }
}

function put(segment: Segment, offset: number, data: Uint8Array): void {
  const begin = offset - segment.start;
  const needed = Math.max(segment.length, begin + data.length);
  if (needed > segment.buffer.length) {
    const grown = new Uint8Array(Math.max(needed, Math.ceil(segment.buffer.length * 1.5)));
    grown.set(segment.buffer.subarray(0, segment.length));
    segment.buffer = grown;
  }
  segment.buffer.set(data, begin);
  segment.length = needed;
}
