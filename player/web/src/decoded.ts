/** What some bytes decode to, as spec/schemas/decoded.json has it: for conformance runners, tests and people. */

import { crc32 } from "./format/checksum.js";
import type { FileHeader } from "./format/layout.js";
import type { SplitBlock, Track } from "./format/model.js";
import { BINDINGS, RIG_SOURCES, SH_FRAMES, SITES } from "./format/registry.js";
import { Decoder, PavError, type ErrorCode, type Scene } from "./format/index.js";

const FIRST = 4;

export interface DecodedOptions {
  /** The rig of a file that names one. */
  readonly rigFile?: Uint8Array | null;
  /** Bytes fed at a time; by default all at once. */
  readonly chunkBytes?: number;
}

/** An array: how many numbers, the CRC-32 of their little-endian bytes with −0 as 0, and the first few. */
export interface Digest {
  readonly count: number;
  readonly crc32: string;
  readonly first: readonly number[];
}

export interface Damage {
  readonly code: ErrorCode;
  readonly offset: number;
  readonly unit: number | null;
}

export interface Refused {
  readonly error: { readonly code: ErrorCode; readonly offset: number };
}

export type Told = { readonly error: null; readonly damage: readonly Damage[] } & ReturnType<typeof sceneJson>;

/** Decodes `data`, of which no more will come. Never throws for what the bytes say. */
export function decoded(data: Uint8Array, options: DecodedOptions = {}): Refused | Told {
  const decoder = new Decoder();
  if (options.rigFile) decoder.supplyRig(options.rigFile);
  const damage: Damage[] = [];
  const read = (): void => {
    for (const event of decoder.events()) {
      if (event.event !== "damaged") continue;
      damage.push({ code: event.code, offset: event.errorOffset, unit: event.unit });
    }
  };
  try {
    const step = Math.max(1, Math.min(data.length, options.chunkBytes ?? data.length));
    for (let at = 0; at < data.length; at += step) {
      decoder.feed(data.subarray(at, at + step));
      read();
    }
    decoder.close();
    read();
  } catch (error) {
    if (!(error instanceof PavError)) throw error;
    return { error: { code: error.code, offset: error.offset } };
  }
  damage.sort((a, b) => a.offset - b.offset || Number(a.code > b.code) - Number(a.code < b.code));
  return { error: null, damage, ...sceneJson(decoder.scene) };
}

/** Everything in a scene that FORMAT.md fixes to the bit. */
function sceneJson(scene: Scene) {
  const { thumbnail } = scene;
  return {
    header: scene.header && headerJson(scene.header),
    active: [...scene.active].sort((a, b) => a - b),
    visible: scene.isVisible,
    animatable: scene.isAnimatable,
    metadata: Object.fromEntries(scene.metadata),
    thumbnail: thumbnail && { media_type: thumbnail.mediaType, data: digest(thumbnail.data) },
    rig: rigJson(scene),
    levels: levelsJson(scene),
    splits: splitsJson(scene.splits),
    gaussians: gaussiansJson(scene),
    tracks: scene.tracks.map(trackJson),
  };
}

function digest(values: Float32Array | Int32Array | Uint8Array): Digest {
  const plain = values instanceof Float32Array ? values.map((value) => value + 0) : values; // no −0
  const bytes = new Uint8Array(plain.buffer, plain.byteOffset, plain.byteLength);
  return {
    count: plain.length,
    crc32: crc32(bytes).toString(16).padStart(8, "0"),
    first: [...plain.subarray(0, FIRST)],
  };
}

const optional = (values: Float32Array | null): Digest | null => values && digest(values);

const headerJson = (header: FileHeader) => ({
  version: [header.major, header.minor],
  critical_features: header.criticalFeatures,
  ancillary_features: header.ancillaryFeatures,
  unit_count: header.unitCount,
  file_bytes: header.fileBytes,
  gaussian_bytes: header.gaussianBytes,
  gaussian_count: header.gaussianCount,
  level_count: header.levelCount,
  sh_degree: header.shDegree,
});

function rigJson({ rig, identity, shapes, correctives }: Scene) {
  if (!rig) return null;
  return {
    profile: rig.profile,
    faces: digest(rig.baseFaces),
    subdivisions: rig.subdivisions,
    mean_neutral: digest(rig.meanNeutral),
    neutral: digest(identity?.neutral ?? rig.meanNeutral),
    weights: digest(rig.weights),
    joint_names: rig.jointNames,
    joint_parents: rig.jointParents,
    mean_joint_positions: digest(rig.meanJoints),
    joint_positions: digest(identity?.joints ?? rig.meanJoints),
    shape_names: rig.shapeNames,
    essential_shapes: rig.isEssential.flatMap((essential, index) => (essential ? [index] : [])),
    corrective_joints: rig.correctiveJoints,
    region_names: rig.regionNames,
    shapes: [...shapes.values()]
      .sort((a, b) => a.index - b.index)
      .map((shape) => ({
        index: shape.index,
        displacements: digest(shape.displacements),
        joint_displacements: optional(shape.jointDisplacements),
      })),
    correctives: optional(correctives && correctives.displacements),
  };
}

function levelsJson({ table }: Scene) {
  if (!table) return null;
  return {
    rig_source: RIG_SOURCES.indexOf(table.rigSource),
    levels: table.levels.map((level) => ({
      binding: BINDINGS.indexOf(level.binding),
      site: SITES.indexOf(level.site),
      sh_frame: SH_FRAMES.indexOf(level.shFrame),
      sh_degree: level.shDegree,
      split_count: level.splitCount,
      gaussian_count: level.gaussianCount,
    })),
  };
}

function splitsJson(splits: readonly SplitBlock[]) {
  const levels = [...new Set(splits.map((block) => block.level))];
  return levels.map((level) => {
    const own = splits.filter((block) => block.level === level);
    return {
      level,
      indices: digest(Int32Array.from(own.flatMap((block) => [...block.parents.keys()].map((i) => block.first + i)))),
      parents: digest(Int32Array.from(own.flatMap((block) => [...block.parents]))),
      barycentrics: digest(Float32Array.from(own.flatMap((block) => [...block.barycentrics]))),
    };
  });
}

function gaussiansJson(scene: Scene) {
  const arrays = scene.arrays();
  const effective = scene.effective();
  return {
    count: arrays.indices.length,
    indices: digest(arrays.indices),
    levels: digest(arrays.levels),
    sites: digest(arrays.sites),
    barycentrics: digest(arrays.barycentrics),
    means: digest(arrays.means),
    quats: digest(arrays.quats),
    log_scales: digest(arrays.logScales),
    opacities: digest(arrays.opacities),
    sh0: digest(arrays.sh0),
    shN: digest(arrays.shN),
    effective_opacities: digest(effective.opacities),
    effective_log_scales: digest(effective.logScales),
  };
}

const trackJson = (track: Track) => ({
  unit: track.unit,
  name: track.name,
  frames_per_second: track.framesPerSecond,
  frames: track.frameCount,
  shape_names: track.shapeNames,
  joint_names: track.jointNames,
  weights: digest(track.weights),
  rotations: optional(track.rotations),
  translation: optional(track.translations),
});
