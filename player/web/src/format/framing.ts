/** Finds units in the bytes received so far (§4): where they begin, and which are damaged. */

import type { ByteStore, Range } from "./bytestore.js";
import { crc32 } from "./checksum.js";
import { pavError, type ErrorCode } from "./errors.js";
import { readUnitHeader, UNIT_HEADER_BYTES, type UnitHeader } from "./layout.js";
import type { DirectoryEntry } from "./model.js";
import type { Limits } from "./registry.js";
import { isKnownType } from "./unit_types.js";

/** A unit whose header and payload checksums match. `bytes` is a copy of all of it. */
export interface FramedUnit {
  readonly kind: "unit";
  readonly offset: number;
  readonly header: UnitHeader;
  readonly bytes: Uint8Array;
}

/** A unit that is lost. */
export interface LostUnit {
  readonly kind: "lost";
  readonly offset: number;
  /** As its header says, or else the directory; null where neither can. */
  readonly id: number | null;
  readonly code: ErrorCode;
  readonly errorOffset: number;
}

/** The unit in which the bytes end. */
export interface PartialUnit {
  readonly offset: number;
  readonly received: number;
  /** Bytes of the unit, header included; null while its header is not there. */
  readonly expected: number | null;
}

/** A place where a unit begins. */
interface Start {
  readonly offset: number;
  header: UnitHeader | null;
  state: "open" | "done" | "lost" | "void";
}

export class Framing {
  /** Ascending by offset. */
  private readonly starts: Start[] = [];
  /** All starts before this index are settled. */
  private firstOpen = 0;
  /** By offset, what the directory says. */
  private readonly mapped = new Map<number, DirectoryEntry>();

  constructor(
    private readonly store: ByteStore,
    private readonly limits: Limits,
  ) {}

  /** A unit may begin at `offset`: where the file header ends. */
  begin(offset: number): void {
    this.addStart(offset, 0);
  }

  /** The map that the directory gives. Throws where it makes a lost unit a critical one. */
  addDirectory(entries: readonly DirectoryEntry[]): void {
    for (const entry of entries) {
      this.mapped.set(entry.offset, entry);
      this.addStart(entry.offset, 0);
    }
    for (const start of this.starts) if (start.state === "lost" && !start.header) this.refuseCritical(start.offset);
  }

  /** Units that were lost and touch `range` may be whole now. */
  reconsider(range: Range): void {
    this.starts.forEach((start, index) => {
      const end = start.offset + UNIT_HEADER_BYTES + (start.header?.length ?? 0);
      if (start.state !== "lost" || start.offset >= range.end || end <= range.start) return;
      start.state = "open";
      start.header = null;
      this.firstOpen = Math.min(this.firstOpen, index);
    });
  }

  /** What has become complete within the segment `range`. Throws PavError for what must be refused. */
  *scan(range: Range): Generator<FramedUnit | LostUnit> {
    for (let i = Math.max(this.firstOpen, this.lowerBound(range.start)); i < this.starts.length; i++) {
      const start = this.starts[i];
      if (start.offset >= range.end) break;
      const found = start.state === "open" ? this.look(start, i) : null;
      if (i === this.firstOpen && start.state !== "open") this.firstOpen++;
      if (found) yield found;
    }
  }

  /** The first unit that has begun and is not whole. */
  partial(): PartialUnit | null {
    for (let i = this.firstOpen; i < this.starts.length; i++) {
      const { offset, header, state } = this.starts[i];
      if (state !== "open") continue;
      const expected = header && UNIT_HEADER_BYTES + header.length;
      const received = this.store.peek(offset, expected ?? UNIT_HEADER_BYTES).length;
      if (received > 0) return { offset, received, expected };
    }
    return null;
  }

  private look(start: Start, index: number): FramedUnit | LostUnit | null {
    const { offset } = start;
    if (!start.header) {
      const bytes = this.store.peek(offset, UNIT_HEADER_BYTES);
      if (bytes.length < UNIT_HEADER_BYTES) return null;
      const header = readUnitHeader(bytes);
      if ("code" in header) {
        start.state = "lost";
        this.refuseCritical(offset);
        const id = this.mapped.get(offset)?.id ?? null;
        return { kind: "lost", offset, id, code: header.code, errorOffset: offset + header.at };
      }
      this.checkHeader(offset, header);
      start.header = header;
      this.claim(offset + UNIT_HEADER_BYTES + header.length, index);
    }
    return this.lookAtPayload(start, start.header);
  }

  private lookAtPayload(start: Start, header: UnitHeader): FramedUnit | LostUnit | null {
    const { offset } = start;
    const size = UNIT_HEADER_BYTES + header.length;
    const bytes = this.store.peek(offset, size);
    if (bytes.length < size) return null;
    if (crc32(bytes.subarray(UNIT_HEADER_BYTES)) === header.payloadChecksum) {
      start.state = "done";
      return { kind: "unit", offset, header, bytes: bytes.slice() };
    }
    start.state = "lost";
    const errorOffset = offset + UNIT_HEADER_BYTES;
    if (header.isCritical)
      throw pavError("critical-unit-damaged", `unit ${header.id} is critical and damaged`, errorOffset);
    return { kind: "lost", offset, id: header.id, code: "unit-payload-damaged", errorOffset };
  }

  private checkHeader(offset: number, header: UnitHeader): void {
    if (header.isCritical && !isKnownType(header.type)) {
      throw pavError("unsupported-unit", `critical unit of unknown type ${header.type}`, offset);
    }
    if (header.length > this.limits.unitBytes) {
      throw pavError("limit-exceeded", `a payload of ${header.length} bytes`, offset + 8);
    }
  }

  private refuseCritical(offset: number): void {
    if (!this.mapped.get(offset)?.isCritical) return;
    throw pavError("critical-unit-damaged", "the header of a critical unit is damaged", offset);
  }

  /** The unit at `index` ends at `end`: what begins inside it is no unit, and the next begins there. */
  private claim(end: number, index: number): void {
    let next = index + 1;
    for (; next < this.starts.length && this.starts[next].offset < end; next++) {
      if (this.starts[next].state === "open") this.starts[next].state = "void";
    }
    this.addStart(end, next);
  }

  /** Adds a start unless it is there, or within a unit that has begun. */
  private addStart(offset: number, hint: number): void {
    let index = hint;
    if (index === 0 || this.starts[index - 1].offset >= offset) index = this.lowerBound(offset);
    if (this.starts[index]?.offset === offset) return;
    let before = index - 1;
    while (before >= 0 && this.starts[before].state === "void") before--;
    const previous = this.starts[before];
    const covered = previous?.header ? previous.offset + UNIT_HEADER_BYTES + previous.header.length > offset : false;
    this.starts.splice(index, 0, { offset, header: null, state: covered ? "void" : "open" });
    this.firstOpen = Math.min(this.firstOpen, index);
  }

  /** Index of the first start at or after `offset`. */
  private lowerBound(offset: number): number {
    let low = 0;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.starts[middle].offset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
