/** Sans-I/O decoder of .pav files, prefixes, and ranges in any order. */

import { ByteStore, type Range } from "./bytestore.js";
import { sha256 } from "./checksum.js";
import { PavError, pavError } from "./errors.js";
import type { Content, PavEvent, UnitDamaged } from "./events.js";
import { Framing, type FramedUnit, type LostUnit } from "./framing.js";
import { interpret, readNeeds, type Context, type Unit } from "./interpretation.js";
import { FILE_HEADER_BYTES, readFileHeader, UNIT_HEADER_BYTES } from "./layout.js";
import type { GaussianBlock, SplitBlock } from "./model.js";
import { CriticalFeature, FORMAT_LIMITS, UnitType, type Limits } from "./registry.js";
import { Overlap, Scene } from "./scene.js";
import { isCriticalType, isKnownType } from "./unit_types.js";

/**
 * Feed bytes, in pieces of any size; then read `events`, the only place that throws for what the bytes say.
 * A fatal PavError stays: `events` throws it again. `scene` is what is there, after any number of bytes.
 */
export class Decoder {
  readonly scene = new Scene();
  private readonly limits: Limits;
  private readonly store = new ByteStore();
  private readonly framing: Framing;
  private readonly units = new Map<number, FramedUnit>();
  private readonly splitsByUnit = new Map<number, SplitBlock>();
  private readonly gaussiansByUnit = new Map<number, GaussianBlock>();
  /** By a needed unit that is not active: the units that wait for it, among others. */
  private readonly waiting = new Map<number, Unit[]>();
  /** What a file has one of: the type group, and the unit that brought it. */
  private readonly singletons = new Map<number, number>();
  private readonly named: Unit[] = [];
  private readonly changed: Range[] = [];
  /** Events that nobody has read yet. */
  private readonly told: PavEvent[] = [];
  private position = 0;
  private rigFile: Uint8Array | null = null;
  private fatal: PavError | null = null;
  private closed = false;
  private ended = false;

  constructor(limits: Partial<Limits> = {}) {
    this.limits = { ...FORMAT_LIMITS, ...limits };
    this.framing = new Framing(this.store, this.limits);
  }

  /** Stores the next bytes of the file. */
  feed(data: Uint8Array): void {
    this.feedAt(this.position, data);
    this.position += data.length;
  }

  /** Stores bytes that stand at `offset`: a range that the directory told of, or one received again. */
  feedAt(offset: number, data: Uint8Array): void {
    if (data.length === 0) return;
    const own = { start: offset, end: offset + data.length };
    const again = this.store.ranges().some((range) => range.start < own.end && own.start < range.end);
    this.changed.push(this.store.write(offset, data));
    if (again) this.framing.reconsider(own);
  }

  /** The rig file that a `rig-named` event asks for; checked in `events`. */
  supplyRig(data: Uint8Array): void {
    this.rigFile = data.slice();
  }

  /** No more bytes will come: `events` ends with `ended`. */
  close(): void {
    this.closed = true;
  }

  /** What the bytes so far amount to. Throws the PavError that ends decoding, then and ever after. */
  *events(): Generator<PavEvent> {
    if (!this.fatal) {
      try {
        this.advance();
      } catch (error) {
        if (!(error instanceof PavError)) throw error;
        this.fatal = error;
      }
    }
    for (let event = this.told.shift(); event; event = this.told.shift()) yield event;
    if (this.fatal) throw this.fatal;
  }

  private advance(): void {
    if (!this.scene.header) {
      if (!this.openHeader()) return;
      this.told.push({ event: "header", offset: 0, header: this.scene.header! });
    }
    this.resolveRig();
    for (let range = this.changed.shift(); range; range = this.changed.shift()) {
      for (const found of this.framing.scan(range)) {
        if (found.kind === "lost") this.told.push(lostEvent(found));
        else this.receive(found);
      }
    }
    if (this.closed && !this.ended) {
      this.ended = true;
      this.told.push(this.endedEvent());
    }
  }

  private openHeader(): boolean {
    const bytes = this.store.peek(0, FILE_HEADER_BYTES);
    if (bytes.length < FILE_HEADER_BYTES) return false;
    this.scene.header = readFileHeader(bytes, this.limits);
    this.framing.begin(FILE_HEADER_BYTES);
    return true;
  }

  /** A unit whose checksums match: checks what depends on other units, then waits or acts. */
  private receive(framed: FramedUnit): void {
    const { header, offset } = framed;
    if (isKnownType(header.type) && header.isCritical !== isCriticalType(header.type)) {
      this.lose(framed, pavError("wrong-criticality", "the critical flag is wrong for this type", offset + 2));
      return;
    }
    const earlier = this.units.get(header.id);
    if (earlier) {
      const error = pavError("duplicate-unit", `the id ${header.id} is used before`, offset + 4);
      if (!sameBytes(earlier.bytes, framed.bytes)) throw error;
      this.lose(framed, error);
      return;
    }
    this.units.set(header.id, framed);
    this.claimSingleton(framed);
    let unit: Unit;
    try {
      unit = readNeeds(framed, this.limits);
    } catch (error) {
      this.damage(framed, error);
      return;
    }
    this.activate(unit);
  }

  /** Activates `unit` if all it needs is active, and then what waited for it. */
  private activate(unit: Unit): void {
    const ready = [unit];
    for (const next of ready) {
      const { id } = next.header;
      const missing = this.missing(next);
      for (const need of missing) {
        const list = this.waiting.get(need);
        if (list) list.push(next);
        else this.waiting.set(need, [next]);
      }
      if (missing.length > 0) continue;
      let content: Content;
      try {
        content = interpret(next, this.context());
      } catch (error) {
        this.damage(next, error);
        continue;
      }
      if (content.kind === "rig-reference") {
        this.scene.rigReference = content.reference;
        this.named.push(next);
        this.told.push({ event: "rig-named", unit: id, offset: next.offset, reference: content.reference });
        this.resolveRig();
        continue;
      }
      this.add(next, content);
      this.told.push({ event: "unit", unit: id, offset: next.offset, content });
      ready.push(...this.released(id));
    }
  }

  private missing(unit: Unit): number[] {
    return unit.needs.filter((need) => !this.scene.active.has(need));
  }

  /** Units that waited for `id` and for nothing else, ascending. */
  private released(id: number): Unit[] {
    const units = this.waiting.get(id) ?? [];
    this.waiting.delete(id);
    return units.filter((unit) => this.missing(unit).length === 0).sort((a, b) => a.header.id - b.header.id);
  }

  private add(unit: Unit, content: Content): void {
    try {
      this.scene.add(unit.header.id, content);
    } catch (error) {
      if (error instanceof Overlap) throw pavError("overlapping-range", error.message, unit.offset);
      throw error;
    }
    if (content.kind === "directory") this.framing.addDirectory(content.entries);
    else if (content.kind === "splits") this.splitsByUnit.set(unit.header.id, content.block);
    else if (content.kind === "gaussians") this.gaussiansByUnit.set(unit.header.id, content.block);
  }

  private context(): Context {
    return {
      limits: this.limits,
      hasHandOver: (this.scene.header!.criticalFeatures & CriticalFeature.handOver) !== 0,
      rig: this.scene.rig,
      table: this.scene.table,
      typeOf: (unit) => this.units.get(unit)?.header.type,
      splitsOf: (unit) => this.splitsByUnit.get(unit),
      gaussiansOf: (unit) => this.gaussiansByUnit.get(unit),
    };
  }

  /** A file has one of each of these, and one rig or rig reference. */
  private claimSingleton(unit: FramedUnit): void {
    const { type, id } = unit.header;
    if (!SINGLE_TYPES.has(type)) return;
    const group = type === UnitType.rigReference ? UnitType.rig : type;
    const other = this.singletons.get(group);
    if (other !== undefined) throw pavError("overlapping-range", `unit ${other} already brings this`, unit.offset);
    this.singletons.set(group, id);
  }

  /** Once the rig file is there: checks it, and lets its parts stand for those of the file. */
  private resolveRig(): void {
    const unit = this.named[0];
    if (!this.rigFile || !unit) return;
    this.named.length = 0;
    const reference = this.scene.rigReference!;
    if (sha256(this.rigFile) !== reference.sha256) {
      throw pavError("rig-mismatch", "the rig supplied is not the one the file names", unit.offset + UNIT_HEADER_BYTES);
    }
    const other = new Decoder(this.limits);
    other.feed(this.rigFile);
    for (const _ of other.events());
    const { rig, shapes, correctives } = other.scene;
    if (!rig) throw pavError("rig-mismatch", "the file supplied has no rig", unit.offset + UNIT_HEADER_BYTES);
    this.scene.rig = rig;
    this.scene.correctives = correctives;
    for (const [index, shape] of shapes) this.scene.shapes.set(index, shape);
    const content: Content = { kind: "rig-reference", reference };
    this.add(unit, content);
    this.told.push({ event: "unit", unit: unit.header.id, offset: unit.offset, content });
    for (const released of this.released(unit.header.id)) this.activate(released);
  }

  /** Reports that `unit` is lost; throws where it is critical or the error is fatal. */
  private damage(unit: FramedUnit, error: unknown): void {
    if (!(error instanceof PavError)) throw error;
    if (isFatal(error) || unit.header.isCritical) throw error;
    this.lose(unit, error);
  }

  private lose(unit: FramedUnit, error: PavError): void {
    this.told.push({
      event: "damaged",
      unit: unit.header.id,
      offset: unit.offset,
      code: error.code,
      errorOffset: error.offset,
    });
  }

  private endedEvent(): PavEvent {
    const units = [...this.waiting.values()].flat();
    const waiting = new Map(units.map((unit) => [unit.header.id, this.missing(unit)]));
    const end = this.store.ranges().at(-1)?.end ?? 0;
    return { event: "ended", offset: end, partial: this.framing.partial(), waiting };
  }
}

const SINGLE_TYPES: ReadonlySet<number> = new Set([
  UnitType.directory,
  UnitType.rig,
  UnitType.rigReference,
  UnitType.identity,
  UnitType.correctives,
  UnitType.levels,
  UnitType.metadata,
  UnitType.thumbnail,
]);

const isFatal = (error: PavError): boolean => error.code === "limit-exceeded" || error.code === "overlapping-range";

const lostEvent = (lost: LostUnit): UnitDamaged => ({
  event: "damaged",
  unit: lost.id,
  offset: lost.offset,
  code: lost.code,
  errorOffset: lost.errorOffset,
});

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

/** The scene of a file, or of any prefix of one. Throws PavError. */
export function decode(data: Uint8Array, limits: Partial<Limits> = {}): Scene {
  const decoder = new Decoder(limits);
  decoder.feed(data);
  for (const _ of decoder.events());
  return decoder.scene;
}
