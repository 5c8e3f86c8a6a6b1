/** What a decoder made of some bytes, in plain JSON: for conformance runners and for people. */

import { sha256 } from "./format/checksum.js";
import { Decoder, PavError, type ErrorCode, type PavEvent, type Scene } from "./format/index.js";
import { unitTypeName } from "./format/registry.js";

export interface SummaryOptions {
  /** The rig of a file that names one. */
  readonly rigFile?: Uint8Array | null;
  /** Bytes fed at a time; by default all at once. */
  readonly chunkBytes?: number;
}

/** An array by its shape and the SHA-256 of its little-endian bytes. */
export interface ArrayDigest {
  readonly shape: readonly number[];
  readonly sha256: string;
}

export interface Finding {
  readonly code: ErrorCode;
  readonly offset: number;
  readonly unit?: number | null;
}

export interface Summary {
  readonly received_bytes: number;
  readonly header: Record<string, number> | null;
  /** The error that ended decoding. */
  readonly error: (Finding & { message: string }) | null;
  readonly damage: Finding[];
  /** By unit that waits: the units among its needs that are not active. */
  readonly waiting: Record<string, readonly number[]>;
  readonly partial: { offset: number; received: number; expected: number | null } | null;
  readonly active: { id: number; type: string }[];
  readonly visible: boolean;
  readonly animatable: boolean;
  readonly gaussian_count: number;
  /** Gaussians of each level. */
  readonly level_counts: number[];
  readonly rig: Record<string, unknown> | null;
  readonly metadata: Record<string, string>;
  readonly tracks: { name: string; frames: number; frames_per_second: number }[];
  readonly arrays: Record<string, ArrayDigest>;
}

/** Decodes `data` and sums up what became of it. Never throws for what the bytes say. */
export function summarize(data: Uint8Array, options: SummaryOptions = {}): Summary {
  const decoder = new Decoder();
  if (options.rigFile) decoder.supplyRig(options.rigFile);
  const events: PavEvent[] = [];
  let error: Summary["error"] = null;
  try {
    const step = Math.max(1, options.chunkBytes ?? data.length);
    for (let at = 0; at < data.length; at += step) {
      decoder.feed(data.subarray(at, at + step));
      events.push(...decoder.events());
    }
    decoder.close();
    events.push(...decoder.events());
  } catch (caught) {
    if (!(caught instanceof PavError)) throw caught;
    error = { code: caught.code, offset: caught.offset, message: caught.message };
  }
  return { received_bytes: data.length, ...sceneSummary(decoder.scene), ...eventSummary(events), error };
}

function eventSummary(events: readonly PavEvent[]): Pick<Summary, "damage" | "waiting" | "partial" | "active"> {
  const ended = events.find((event) => event.event === "ended");
  return {
    damage: events
      .filter((event) => event.event === "damaged")
      .map(({ code, errorOffset, unit }) => ({ code, offset: errorOffset, unit })),
    waiting: Object.fromEntries(ended?.waiting ?? []),
    partial: ended?.partial ?? null,
    active: events
      .filter((event) => event.event === "unit")
      .map(({ unit, content }) => ({
        id: unit,
        type: content.kind === "unknown" ? unitTypeName(content.type) : content.kind,
      })),
  };
}

type SceneSummary = Omit<Summary, "received_bytes" | "error" | "damage" | "waiting" | "partial" | "active">;

function sceneSummary(scene: Scene): SceneSummary {
  const { header, rig } = scene;
  return {
    header: header && {
      major: header.major,
      minor: header.minor,
      critical_features: header.criticalFeatures,
      ancillary_features: header.ancillaryFeatures,
      unit_count: header.unitCount,
      file_bytes: header.fileBytes,
      gaussian_bytes: header.gaussianBytes,
      gaussian_count: header.gaussianCount,
      level_count: header.levelCount,
      sh_degree: header.shDegree,
    },
    visible: scene.isVisible,
    animatable: scene.isAnimatable,
    gaussian_count: scene.gaussianCount,
    level_counts: (scene.table?.levels ?? []).map((_, level) =>
      scene.blocks.reduce((sum, block) => sum + (block.level === level ? block.sites.length : 0), 0),
    ),
    rig: rig && {
      profile: rig.profile,
      vertices: rig.vertexCount,
      base_vertices: rig.baseVertexCount,
      faces: rig.faces.length / 3,
      joints: rig.jointNames,
      shapes: rig.shapeNames,
      shapes_here: rig.shapeNames.filter((_, index) => scene.shapes.has(index)),
      essential_shapes: rig.shapeNames.filter((_, index) => rig.isEssential[index]),
      regions: rig.regionNames,
      personal_neutral: scene.identity !== null,
    },
    metadata: Object.fromEntries(scene.metadata),
    tracks: scene.tracks.map((track) => ({
      name: track.name,
      frames: track.frameCount,
      frames_per_second: track.framesPerSecond,
    })),
    arrays: digests(scene),
  };
}

/** The canonical arrays: those of the rig that is there, and of the Gaussians in file order. */
function digests(scene: Scene): Record<string, ArrayDigest> {
  const { rig, identity, correctives, shapes } = scene;
  const all: Record<string, ArrayDigest> = {};
  const add = (name: string, values: Float32Array | Int32Array, ...shape: number[]): void => {
    all[name] = { shape, sha256: sha256(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)) };
  };
  if (rig) {
    const joints = rig.jointNames.length;
    add("rig.faces", rig.baseFaces, rig.baseFaces.length / 3, 3);
    add("rig.mean_neutral", rig.meanNeutral, rig.baseVertexCount, 3);
    add("rig.mean_joints", rig.meanJoints, joints, 3);
    add("rig.weights", rig.weights, rig.vertexCount, joints);
    for (const index of [...shapes.keys()].sort((a, b) => a - b)) {
      const { displacements, jointDisplacements } = shapes.get(index)!;
      add(`shape.${rig.shapeNames[index]}`, displacements, rig.baseVertexCount, 3);
      if (jointDisplacements) add(`shape_joints.${rig.shapeNames[index]}`, jointDisplacements, joints, 3);
    }
    if (correctives)
      add("correctives", correctives.displacements, 9 * rig.correctiveJoints.length, rig.baseVertexCount, 3);
    if (identity) add("identity.neutral", identity.neutral, rig.baseVertexCount, 3);
    if (identity) add("identity.joints", identity.joints, joints, 3);
  }
  if (!scene.isVisible) return all;
  const arrays = scene.arrays();
  const count = arrays.indices.length;
  for (const name of ["indices", "levels", "sites", "opacities"] as const) add(name, arrays[name], count);
  for (const name of ["barycentrics", "means", "log_scales"] as const) {
    add(name, name === "log_scales" ? arrays.logScales : arrays[name], count, 3);
  }
  add("quats", arrays.quats, count, 4);
  add("sh0", arrays.sh0, count, 1, 3);
  add("shN", arrays.shN, count, arrays.shN.length / (3 * count), 3);
  const effective = scene.effective();
  add("effective_opacities", effective.opacities, count);
  add("effective_log_scales", effective.logScales, count, 3);
  return all;
}
