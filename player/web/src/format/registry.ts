/** Numeric ids of the format; the same as in spec/registry.json, and tested to be. */

export const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x41, 0x56, 0x0d, 0x0a, 0x1a, 0x0a);
export const MAJOR_VERSION = 0;
export const MINOR_VERSION = 2;

export const UnitType = {
  directory: 1,
  rig: 2,
  rigReference: 3,
  identity: 4,
  shape: 5,
  correctives: 6,
  levels: 7,
  splits: 8,
  gaussians: 9,
  handOver: 10,
  metadata: 11,
  thumbnail: 12,
  track: 13,
} as const;

const UNIT_NAMES: Readonly<Record<number, string>> = {
  1: "directory",
  2: "rig",
  3: "rig-reference",
  4: "identity",
  5: "shape",
  6: "correctives",
  7: "levels",
  8: "splits",
  9: "gaussians",
  10: "hand-over",
  11: "metadata",
  12: "thumbnail",
  13: "track",
};

const CRITICAL_TYPES: ReadonlySet<number> = new Set([
  UnitType.rig,
  UnitType.rigReference,
  UnitType.identity,
  UnitType.levels,
]);

/** Whether this reader knows what is in units of a type. */
export const isKnownType = (type: number): boolean => type in UNIT_NAMES;

/** Whether the text makes units of a known type critical. */
export const isCriticalType = (type: number): boolean => CRITICAL_TYPES.has(type);

/** The registered name of a unit type, or its number. */
export const unitTypeName = (type: number): string => UNIT_NAMES[type] ?? `type-${type}`;

export const CRITICAL_FEATURE_HAND_OVER = 1;

export const RIG_SOURCES = ["none", "embedded", "external"] as const;
export const BINDINGS = ["face-frame", "surface-point"] as const;
export const SITES = ["face", "vertex", "joint"] as const;
export const SH_FRAMES = ["world", "local"] as const;

export type RigSource = (typeof RIG_SOURCES)[number];
export type Binding = (typeof BINDINGS)[number];
export type Site = (typeof SITES)[number];
export type ShFrame = (typeof SH_FRAMES)[number];
