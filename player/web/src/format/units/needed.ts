/** What the needs of a unit give it. */

import type { GaussianBlock, LevelTable, RigCore, SplitBlock } from "../model.js";

/** Each throws `bad-needs` where what it gives is not among the needs. */
export interface Needed {
  /** The rig, its own or named. */
  anyRig(): RigCore;
  /** The rig that is in this file. */
  ownRig(): RigCore;
  levels(): LevelTable;
  /** The splits, and the Gaussians, among the needs; maybe none. */
  splits(): SplitBlock[];
  gaussians(): GaussianBlock[];
}
