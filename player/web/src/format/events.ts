/** What a decoder tells, in the order in which it came to be. */

import type { ErrorCode } from "./errors.js";
import type { PartialUnit } from "./framing.js";
import type { FileHeader } from "./layout.js";
import type {
  Correctives,
  DirectoryEntry,
  GaussianBlock,
  HandOver,
  Identity,
  LevelTable,
  RigCore,
  RigReference,
  Shape,
  SplitBlock,
  Thumbnail,
  Track,
} from "./model.js";

/** The decoded content of a unit. */
export type Content =
  | { readonly kind: "directory"; readonly entries: readonly DirectoryEntry[] }
  | { readonly kind: "rig"; readonly rig: RigCore }
  | { readonly kind: "rig-reference"; readonly reference: RigReference }
  | { readonly kind: "identity"; readonly identity: Identity }
  | { readonly kind: "shape"; readonly shape: Shape }
  | { readonly kind: "correctives"; readonly correctives: Correctives }
  | { readonly kind: "levels"; readonly table: LevelTable }
  | { readonly kind: "splits"; readonly block: SplitBlock }
  | { readonly kind: "gaussians"; readonly block: GaussianBlock }
  | { readonly kind: "hand-over"; readonly handOver: HandOver }
  | { readonly kind: "metadata"; readonly metadata: ReadonlyMap<string, string> }
  | { readonly kind: "thumbnail"; readonly thumbnail: Thumbnail }
  | { readonly kind: "track"; readonly track: Track }
  | { readonly kind: "unknown"; readonly type: number };

/** The file header is there. */
export interface HeaderArrived {
  readonly event: "header";
  readonly offset: 0;
  readonly header: FileHeader;
}

/** A unit is active from now on. */
export interface UnitArrived {
  readonly event: "unit";
  readonly unit: number;
  readonly offset: number;
  readonly content: Content;
}

/** The rig is in a file of its own: find it and call `Decoder.supplyRig`. */
export interface RigNamed {
  readonly event: "rig-named";
  readonly unit: number;
  readonly offset: number;
  readonly reference: RigReference;
}

/** A unit is lost, and with it whatever needs it. */
export interface UnitDamaged {
  readonly event: "damaged";
  /** Null where the header cannot be read. */
  readonly unit: number | null;
  readonly offset: number;
  readonly code: ErrorCode;
  readonly errorOffset: number;
}

/** No more bytes will come. */
export interface StreamEnded {
  readonly event: "ended";
  /** How many bytes there were. */
  readonly offset: number;
  readonly partial: PartialUnit | null;
  /** Units that wait, and the needs that are not active. */
  readonly waiting: ReadonlyMap<number, readonly number[]>;
}

export type PavEvent = HeaderArrived | UnitArrived | RigNamed | UnitDamaged | StreamEnded;
