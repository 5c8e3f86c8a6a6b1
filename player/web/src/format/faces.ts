/** Finds the faces that splits made (§6.8) in whatever splits are there. */

import type { SplitBlock } from "./model.js";

/** A split's block and its place in it. */
export interface SplitPlace {
  readonly block: SplitBlock;
  readonly row: number;
}

export class FaceIndex {
  private readonly byLevel = new Map<number, SplitBlock[]>();

  /** `rootCount`: faces of level 0; `blocks` in any order. */
  constructor(
    private readonly rootCount: number,
    blocks: readonly SplitBlock[],
  ) {
    for (const block of blocks) {
      const list = this.byLevel.get(block.level);
      if (list) list.push(block);
      else this.byLevel.set(block.level, [block]);
    }
    for (const list of this.byLevel.values()) list.sort((a, b) => a.first - b.first);
  }

  /** The split that made `face` of `level`, which is above 0; null if it is not there. */
  split(level: number, face: number): SplitPlace | null {
    const split = Math.floor(face / 3);
    const list = this.byLevel.get(level) ?? [];
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle].first <= split) low = middle + 1;
      else high = middle;
    }
    const block = list[low - 1];
    if (!block || split >= block.first + block.parents.length) return null;
    return { block, row: split - block.first };
  }

  /** The face of level 0 that `face` of `level` is within; null if it is not there. */
  root(level: number, face: number): number | null {
    if (level === 0) return face < this.rootCount ? face : null;
    const split = this.split(level, face);
    return split && split.block.roots[split.row];
  }
}
