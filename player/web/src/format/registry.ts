// Written by `python -m spec.tools.registry` from spec/registry.json: edit that, not this.
/** Numeric ids, codes and limits of the format; §6, §10 and §11 say what they stand for. */

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

/** The registered names of unit types. */
export const UNIT_NAMES: Readonly<Record<number, string>> = {
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

/** Known types whose critical flag is set, in every file. */
export const CRITICAL_TYPES: ReadonlySet<number> = new Set([
  UnitType.rig,
  UnitType.rigReference,
  UnitType.identity,
  UnitType.levels,
]);

/** Bits of the file header's critical features (§3): a reader refuses a file with one it does not know. */
export const CriticalFeature = {
  handOver: 1,
} as const;

/** Where a file's rig comes from (§6.7). */
export const RIG_SOURCES = ["none", "embedded", "external"] as const;
export type RigSource = (typeof RIG_SOURCES)[number];

/** How a level's Gaussians follow the mesh (§8). */
export const BINDINGS = ["face-frame", "surface-point"] as const;
export type Binding = (typeof BINDINGS)[number];

/** What `Gaussians.sites` counts (§6.9). */
export const SITES = ["face", "vertex", "joint"] as const;
export type Site = (typeof SITES)[number];

/** The axes in which view directions are taken when SH are evaluated (§9). */
export const SH_FRAMES = ["world", "local"] as const;
export type ShFrame = (typeof SH_FRAMES)[number];

/** How a column's bytes are stored (§5). */
export const ColumnCodec = {
  stored: 0,
  zstd: 1,
  constant: 2,
} as const;

/** What was done to a column's values before (§5). */
export const ColumnTransform = {
  none: 0,
  delta: 1,
  zigzag: 2,
} as const;

/** What lies across the open edge x → y of a walk over the mesh: nothing, or the face (y, x, v) (§6.2). */
export const WalkSymbol = {
  new: 0,
  left: 1,
  right: 2,
  border: 3,
  other: 4,
} as const;

/** What a reader accepts. */
export interface Limits {
  /** Payload bytes of a unit. */
  readonly unitBytes: number;
  /** Units. */
  readonly units: number;
  /** Gaussians. */
  readonly gaussians: number;
  /** Gaussians of a unit. */
  readonly gaussiansPerUnit: number;
  /** Levels. */
  readonly levels: number;
  /** Vertices of the base mesh. */
  readonly vertices: number;
  /** Faces of the base mesh. */
  readonly faces: number;
  /** Splits. */
  readonly splits: number;
  /** Joints. */
  readonly joints: number;
  /** Shapes. */
  readonly shapes: number;
  /** V · J weights; 3 · V0 · shapes; 3 · V0 · 9 n of n corrective joints. */
  readonly rigValues: number;
  /** Needs of a unit. */
  readonly needs: number;
  /** Bytes of a string. */
  readonly stringBytes: number;
  /** Bytes of the metadata. */
  readonly metadataBytes: number;
  /** Bytes of the thumbnail. */
  readonly thumbnailBytes: number;
  /** Frames of a track. */
  readonly trackFrames: number;
  /** Numbers in a block of a track. */
  readonly trackValues: number;
}

/** The format's own ceilings; a reader may set lower ones. */
export const FORMAT_LIMITS: Limits = {
  unitBytes: 2 ** 26,
  units: 2 ** 20,
  gaussians: 2 ** 24,
  gaussiansPerUnit: 2 ** 16,
  levels: 16,
  vertices: 2 ** 20,
  faces: 2 ** 21,
  splits: 2 ** 24,
  joints: 2 ** 10,
  shapes: 2 ** 12,
  rigValues: 2 ** 27,
  needs: 2 ** 12,
  stringBytes: 2 ** 12,
  metadataBytes: 2 ** 16,
  thumbnailBytes: 2 ** 20,
  trackFrames: 2 ** 20,
  trackValues: 2 ** 26,
};

/** Entries of a directory; needs of all its entries together (§6.1). */
export const mostEntries = (payloadBytes: number): number => 16 * payloadBytes;

/** Gaussians or splits of a unit, so that memory follows arrived bytes (§6.8, §6.9, §6.10). */
export const mostExpansion = (payloadBytes: number): number => 64 + 4 * payloadBytes;

/** Vertices, faces or weights V · J of a rig unit; numbers of a track unit (§6.2, §6.13). */
export const mostValues = (payloadBytes: number): number => 4096 + 64 * payloadBytes;

/** `fatal` ends decoding; `damage` costs one unit and those that need it. */
export type Severity = "fatal" | "damage";

/** Every code a decoder can report, with its severity. */
export const SEVERITIES = {
  "bad-signature": "fatal",
  "unsupported-version": "fatal",
  "unsupported-feature": "fatal",
  "unsupported-unit": "fatal",
  "file-header-damaged": "fatal",
  "file-header-reserved": "fatal",
  "critical-unit-damaged": "fatal",
  "limit-exceeded": "fatal",
  "rig-mismatch": "fatal",
  "unit-header-damaged": "damage",
  "unit-payload-damaged": "damage",
  "unit-header-reserved": "damage",
  "wrong-criticality": "damage",
  "duplicate-unit": "damage",
  "bad-needs": "damage",
  "short-payload": "damage",
  "long-payload": "damage",
  "bad-field": "damage",
  "bad-string": "damage",
  "bad-column": "damage",
  "index-out-of-range": "damage",
  "overlapping-range": "fatal",
} as const satisfies Record<string, Severity>;

export type ErrorCode = keyof typeof SEVERITIES;
