/** What units bring, decoded. Float arrays are row-major; lengths are metres; quaternions are (w, x, y, z). */

import type { Grid } from "./quantization.js";
import type { Binding, RigSource, ShFrame, Site } from "./registry.js";

/** One unit after the directory, as a client that fetches ranges needs to know it (section 6.1). */
export interface DirectoryEntry {
  readonly id: number;
  readonly type: number;
  readonly isCritical: boolean;
  /** Where the unit begins, and the bytes of its payload. */
  readonly offset: number;
  readonly length: number;
  readonly level: number | null;
  readonly gaussianCount: number;
  readonly importance: number;
  /** Bit k: the unit matters to the rig's named region k. */
  readonly regions: number;
  /** Centre x, y, z and radius, 0: none. */
  readonly sphere: readonly [number, number, number, number];
  readonly needs: readonly number[];
}

/** The part many avatars can share (section 6.2). V0, V: base vertices and all vertices; J joints. */
export interface RigCore {
  readonly profile: string;
  readonly subdivisions: number;
  /** (F0, 3) of the base mesh, and (F, 3) of the mesh; the same without subdivision. */
  readonly baseFaces: Int32Array;
  readonly faces: Int32Array;
  /** (E, 2) the ends of the edges whose midpoints are the vertices from V0 on. */
  readonly edges: Int32Array;
  readonly baseVertexCount: number;
  readonly vertexCount: number;
  /** (V0, 3). */
  readonly meanNeutral: Float32Array;
  readonly jointNames: readonly string[];
  /** −1 for joint 0. */
  readonly jointParents: readonly number[];
  /** (J, 3) rest positions. */
  readonly meanJoints: Float32Array;
  /** (V, J) skinning weights. */
  readonly weights: Float32Array;
  readonly shapeNames: readonly string[];
  readonly isEssential: readonly boolean[];
  readonly correctiveJoints: readonly number[];
  readonly regionNames: readonly string[];
  /** (V, 3) and (F, 3), section 5.2. */
  readonly vertexPlaces: Int32Array;
  readonly facePlaces: Int32Array;
}

/** A rig kept in a file of its own (section 6.3). */
export interface RigReference {
  /** 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  readonly name: string;
}

/** The personal neutral (V0, 3) and joint positions (J, 3): the mean and what this person adds (section 6.4). */
export interface Identity {
  readonly neutral: Float32Array;
  readonly joints: Float32Array;
}

/** One linear blendshape (section 6.5): (V0, 3) and, if joints move, (J, 3). */
export interface Shape {
  readonly index: number;
  readonly displacements: Float32Array;
  readonly jointDisplacements: Float32Array | null;
}

/** (9 n, V0, 3) for n corrective joints (section 6.6). */
export interface Correctives {
  readonly displacements: Float32Array;
}

/** One level of the complete avatar (section 6.7). */
export interface LevelEntry {
  readonly binding: Binding;
  readonly site: Site;
  readonly shFrame: ShFrame;
  readonly shDegree: number;
  readonly splitCount: number;
  readonly gaussianCount: number;
  readonly grids: LevelGrids;
}

export interface LevelGrids {
  readonly means: readonly Grid[];
  readonly logScales: Grid;
  readonly quats: Grid;
  readonly opacities: Grid;
  readonly sh0: Grid;
  readonly shBands: readonly Grid[];
}

export interface LevelTable {
  readonly rigSource: RigSource;
  readonly levels: readonly LevelEntry[];
}

/** Splits first … first + count − 1 that make the faces from 3 · first on of `level` (section 6.8). */
export interface SplitBlock {
  readonly level: number;
  readonly first: number;
  /** (n) faces of the level before. */
  readonly parents: Int32Array;
  /** (n, 3). */
  readonly barycentrics: Float32Array;
  /** (n) the face of level 0 that each split face is within. */
  readonly roots: Int32Array;
}

/** Gaussians first … first + count − 1 of the file, all of one level (section 6.9). */
export interface GaussianBlock {
  readonly unit: number;
  readonly level: number;
  readonly first: number;
  /** (n) faces, vertices or joints. */
  readonly sites: Int32Array;
  /** (n, 3) for surface points on faces, else null. */
  readonly barycentrics: Float32Array | null;
  /** (n, 3), in the frame of the level's binding. */
  readonly means: Float32Array;
  readonly logScales: Float32Array;
  /** (n, 4). */
  readonly quats: Float32Array;
  /** (n), 0..1. */
  readonly opacities: Float32Array;
  /** (n, 3) and (n, 0 | 3 | 8 | 15, 3). */
  readonly sh0: Float32Array;
  readonly shN: Float32Array;
}

/** While every successor is active, these Gaussians take the second values (section 6.10). */
export interface HandOver {
  readonly unit: number;
  readonly level: number;
  readonly successors: readonly number[];
  /** (n) indices in the file, ascending. */
  readonly gaussians: Int32Array;
  /** (n) and (n, 3); null: they retire. */
  readonly opacities: Float32Array | null;
  readonly logScales: Float32Array | null;
}

export interface Thumbnail {
  readonly mediaType: "image/png" | "image/jpeg" | "image/webp";
  readonly data: Uint8Array;
}

/** A recorded performance of T frames (section 6.13). */
export interface Track {
  readonly unit: number;
  readonly name: string;
  readonly framesPerSecond: number;
  readonly frameCount: number;
  readonly shapeNames: readonly string[];
  readonly jointNames: readonly string[];
  /** (T, shapes). */
  readonly weights: Float32Array;
  /** (T, joints, 3) axis-angle in radians, and (T, 3); null where the track has none. */
  readonly rotations: Float32Array | null;
  readonly translations: Float32Array | null;
}
