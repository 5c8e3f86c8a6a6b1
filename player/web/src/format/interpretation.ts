/** From an intact unit, all of whose needs are active, to its content (§6). */

import type { Content } from "./events.js";
import { FieldReader } from "./fields.js";
import type { FramedUnit } from "./framing.js";
import { UNIT_HEADER_BYTES } from "./layout.js";
import type { GaussianBlock, LevelTable, RigCore, SplitBlock } from "./model.js";
import { UnitType, type Limits } from "./registry.js";
import { isKnownType, unitTypeName } from "./unit_types.js";
import { readDirectory } from "./units/directory.js";
import { readMetadata, readThumbnail, readTrack } from "./units/extras.js";
import { readGaussians } from "./units/gaussians.js";
import { readHandOver } from "./units/hand_over.js";
import { readLevels } from "./units/levels.js";
import { readRig } from "./units/rig.js";
import type { Needed } from "./units/needed.js";
import { readCorrectives, readIdentity, readRigReference, readShape } from "./units/rig_parts.js";
import { readSplits } from "./units/splits.js";

/** A unit, and the units it needs. */
export interface Unit extends FramedUnit {
  readonly needs: readonly number[];
  /** Where the fields after the needs begin, in the payload. */
  readonly contentAt: number;
}

/** What active units have brought, as far as others refer to it. */
export interface Context {
  readonly limits: Limits;
  readonly hasHandOver: boolean;
  readonly rig: RigCore | null;
  readonly table: LevelTable | null;
  typeOf(unit: number): number | undefined;
  splitsOf(unit: number): SplitBlock | undefined;
  gaussiansOf(unit: number): GaussianBlock | undefined;
}

const payloadReader = (unit: FramedUnit, limits: Limits): FieldReader =>
  new FieldReader(unit.bytes.subarray(UNIT_HEADER_BYTES), unit.offset + UNIT_HEADER_BYTES, limits);

/** Reads the needs with which every payload of a known type begins. */
export function readNeeds(framed: FramedUnit, limits: Limits): Unit {
  const needs: number[] = [];
  if (!isKnownType(framed.header.type)) return { ...framed, needs, contentAt: 0 };
  const reader = payloadReader(framed, limits);
  const count = reader.count("the needs count", limits.needs);
  let distance = 0;
  for (let i = 0; i < count; i++) {
    const at = reader.position;
    const step = reader.varint();
    distance += step;
    if (step === 0 || distance > framed.header.id) throw reader.error("bad-needs", "a need is not an earlier unit", at);
    needs.push(framed.header.id - distance);
  }
  return { ...framed, needs, contentAt: reader.position };
}

/** Decodes `unit`. Throws PavError for content that breaks the rules. */
export function interpret(unit: Unit, context: Context): Content {
  const { type, id } = unit.header;
  const reader = payloadReader(unit, context.limits);
  reader.position = unit.contentAt;
  const needed = new NeededUnits(unit, reader, context);
  switch (type) {
    case UnitType.directory:
      return { kind: "directory", entries: readDirectory(reader, unit.offset + unit.bytes.length) };
    case UnitType.rig:
      return { kind: "rig", rig: readRig(reader) };
    case UnitType.rigReference:
      return { kind: "rig-reference", reference: readRigReference(reader) };
    case UnitType.identity:
      return { kind: "identity", identity: readIdentity(reader, needed.anyRig()) };
    case UnitType.shape:
      return { kind: "shape", shape: readShape(reader, needed.ownRig()) };
    case UnitType.correctives:
      return { kind: "correctives", correctives: readCorrectives(reader, needed.ownRig()) };
    case UnitType.levels:
      return { kind: "levels", table: readLevels(reader) };
    case UnitType.splits:
      return { kind: "splits", block: readSplits(reader, needed) };
    case UnitType.gaussians:
      return { kind: "gaussians", block: readGaussians(reader, id, needed) };
    case UnitType.handOver:
      needed.levels();
      if (!context.hasHandOver) throw reader.error("bad-field", "a hand-over in an additive file", 0);
      return { kind: "hand-over", handOver: readHandOver(reader, id, needed) };
    case UnitType.metadata:
      return { kind: "metadata", metadata: readMetadata(reader) };
    case UnitType.thumbnail:
      return { kind: "thumbnail", thumbnail: readThumbnail(reader) };
    case UnitType.track:
      return { kind: "track", track: readTrack(reader, id) };
    default:
      return { kind: "unknown", type };
  }
}

/** What the needs of a unit give it; what is missing among them is `bad-needs`. */
class NeededUnits implements Needed {
  constructor(
    private readonly unit: Unit,
    private readonly reader: FieldReader,
    private readonly context: Context,
  ) {}

  anyRig(): RigCore {
    return this.require(this.context.rig, UnitType.rig, UnitType.rigReference);
  }

  ownRig(): RigCore {
    return this.require(this.context.rig, UnitType.rig);
  }

  levels(): LevelTable {
    return this.require(this.context.table, UnitType.levels);
  }

  splits(): SplitBlock[] {
    return this.unit.needs.map((id) => this.context.splitsOf(id)).filter((block) => block !== undefined);
  }

  gaussians(): GaussianBlock[] {
    return this.unit.needs.map((id) => this.context.gaussiansOf(id)).filter((block) => block !== undefined);
  }

  private require<T>(value: T | null, ...types: number[]): T {
    const found = this.unit.needs.some((id) => types.includes(this.context.typeOf(id) ?? 0));
    if (found && value !== null) return value;
    throw this.reader.error("bad-needs", `no ${types.map(unitTypeName).join(" or ")} among the needs`, 0);
  }
}
