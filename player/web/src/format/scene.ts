/** All that is active: a pure function of the set of active units (§1). */

import type { Content } from "./events.js";
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

/** The N Gaussians that are there, in file order, as stored; SH of lower degrees are padded with zeros. */
export interface SceneArrays {
  /** (N) index in the file. */
  readonly indices: Int32Array;
  readonly levels: Int32Array;
  readonly sites: Int32Array;
  /** (N, 3); zero where the level has none. */
  readonly barycentrics: Float32Array;
  readonly means: Float32Array;
  readonly quats: Float32Array;
  readonly logScales: Float32Array;
  readonly opacities: Float32Array;
  readonly sh0: Float32Array;
  /** (N, K, 3), K of the highest degree of any level. */
  readonly shN: Float32Array;
}

/** Something brought twice: which makes a file invalid. */
export class Overlap extends Error {}

/** Filled by a Decoder, read by everyone. */
export class Scene {
  header: FileHeader | null = null;
  directory: readonly DirectoryEntry[] | null = null;
  rig: RigCore | null = null;
  rigReference: RigReference | null = null;
  identity: Identity | null = null;
  correctives: Correctives | null = null;
  table: LevelTable | null = null;
  metadata: ReadonlyMap<string, string> = new Map();
  thumbnail: Thumbnail | null = null;
  readonly shapes = new Map<number, Shape>();
  /** Ascending by level and first split. */
  readonly splits: SplitBlock[] = [];
  /** Ascending by first Gaussian. */
  readonly blocks: GaussianBlock[] = [];
  /** Ascending by unit. */
  readonly handOvers: HandOver[] = [];
  /** Recorded performances, ascending by unit. */
  readonly tracks: Track[] = [];
  /** Units that are active. */
  readonly active = new Set<number>();
  /** Changes whenever what is drawn may change. */
  revision = 0;
  private readonly splitFaces = new Set<number>();

  /** Takes in what `unit` brings. Throws Overlap. */
  add(unit: number, content: Content): void {
    this.take(content);
    this.active.add(unit);
    this.revision++;
  }

  get gaussianCount(): number {
    return this.blocks.reduce((sum, block) => sum + block.sites.length, 0);
  }

  /** Whether anything is drawn. */
  get isVisible(): boolean {
    return this.blocks.length > 0;
  }

  /** Visible, and every essential shape of the rig is there. */
  get isAnimatable(): boolean {
    return (
      this.isVisible &&
      (this.rig?.isEssential.every((essential, index) => !essential || this.shapes.has(index)) ?? true)
    );
  }

  /** The stored attributes of all Gaussians that are there. */
  arrays(): SceneArrays {
    const degree = Math.max(0, ...(this.table?.levels.map((level) => level.shDegree) ?? []));
    const coefficients = (degree + 1) ** 2 - 1;
    const counts = this.blocks.map((block) => block.sites.length);
    const indices = this.blocks.map((block) => block.sites.map((_, i) => block.first + i));
    const join = (parts: Float32Array[]): Float32Array => concatenate(parts, (size) => new Float32Array(size));
    const joinInts = (parts: Int32Array[]): Int32Array => concatenate(parts, (size) => new Int32Array(size));
    return {
      indices: joinInts(indices),
      levels: joinInts(this.blocks.map((block, b) => new Int32Array(counts[b]).fill(block.level))),
      sites: joinInts(this.blocks.map((block) => block.sites)),
      barycentrics: join(this.blocks.map((block, b) => block.barycentrics ?? new Float32Array(3 * counts[b]))),
      means: join(this.blocks.map((block) => block.means)),
      quats: join(this.blocks.map((block) => block.quats)),
      logScales: join(this.blocks.map((block) => block.logScales)),
      opacities: join(this.blocks.map((block) => block.opacities)),
      sh0: join(this.blocks.map((block) => block.sh0)),
      shN: join(this.blocks.map((block, b) => paddedRows(block.shN, counts[b], 3 * coefficients))),
    };
  }

  /** Opacities (N) and log scales (N, 3), hand-over applied (section 6.10). */
  effective(): { opacities: Float32Array; logScales: Float32Array } {
    const { indices, opacities, logScales } = this.arrays();
    for (const handOver of this.handOvers) {
      if (!handOver.successors.every((unit) => this.active.has(unit))) continue;
      handOver.gaussians.forEach((gaussian, i) => {
        const row = insertionIndex(indices, (index) => index - gaussian);
        opacities[row] = handOver.opacities ? handOver.opacities[i] : 0;
        if (handOver.logScales) logScales.set(handOver.logScales.subarray(3 * i, 3 * i + 3), 3 * row);
      });
    }
    return { opacities, logScales };
  }

  private take(content: Content): void {
    switch (content.kind) {
      case "directory":
        this.directory = content.entries;
        return;
      case "rig":
        this.rig = content.rig;
        return;
      case "rig-reference":
        this.rigReference = content.reference;
        return;
      case "identity":
        this.identity = content.identity;
        return;
      case "levels":
        this.table = content.table;
        return;
      case "shape":
        if (this.shapes.has(content.shape.index)) throw new Overlap(`shape ${content.shape.index} is already there`);
        this.shapes.set(content.shape.index, content.shape);
        return;
      case "correctives":
        this.correctives = content.correctives;
        return;
      case "splits":
        this.addSplits(content.block);
        return;
      case "gaussians":
        this.addGaussians(content.block);
        return;
      case "hand-over":
        insertByUnit(this.handOvers, content.handOver);
        return;
      case "metadata":
        this.metadata = content.metadata;
        return;
      case "thumbnail":
        this.thumbnail = content.thumbnail;
        return;
      case "track":
        insertByUnit(this.tracks, content.track);
        return;
      case "unknown":
        return;
    }
  }

  private addSplits(block: SplitBlock): void {
    const order = (other: SplitBlock): number => other.level - block.level || other.first - block.first;
    const at = insertionIndex(this.splits, order);
    const neighbours = this.splits.slice(Math.max(0, at - 1), at + 1).filter((other) => other.level === block.level);
    if (neighbours.some((other) => overlaps(other.first, other.parents.length, block.first, block.parents.length))) {
      throw new Overlap(`splits from ${block.first} on are already there`);
    }
    const key = (face: number): number => block.level * 2 ** 32 + face;
    if (block.parents.some((face) => this.splitFaces.has(key(face)))) throw new Overlap("a face is already split");
    block.parents.forEach((face) => this.splitFaces.add(key(face)));
    this.splits.splice(at, 0, block);
  }

  private addGaussians(block: GaussianBlock): void {
    const at = insertionIndex(this.blocks, (other) => other.first - block.first);
    const neighbours = this.blocks.slice(Math.max(0, at - 1), at + 1);
    if (neighbours.some((other) => overlaps(other.first, other.sites.length, block.first, block.sites.length))) {
      throw new Overlap(`Gaussians from ${block.first} on are already there`);
    }
    this.blocks.splice(at, 0, block);
  }
}

/** Where in an ascending list what `order` compares with belongs: before the first that is not below it. */
function insertionIndex<T>(list: ArrayLike<T>, order: (other: T) => number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (order(list[middle]) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insertByUnit<T extends { readonly unit: number }>(list: T[], one: T): void {
  const at = insertionIndex(list, (other) => other.unit - one.unit);
  list.splice(at, 0, one);
}

const overlaps = (a: number, aCount: number, b: number, bCount: number): boolean => a < b + bCount && b < a + aCount;

function concatenate<T extends Float32Array | Int32Array>(parts: readonly T[], make: (size: number) => T): T {
  const whole = make(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Rows of `values` made `width` long by zeros. */
function paddedRows(values: Float32Array, rows: number, width: number): Float32Array {
  if (values.length === rows * width) return values;
  const own = values.length / rows;
  const padded = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) padded.set(values.subarray(row * own, (row + 1) * own), row * width);
  return padded;
}
