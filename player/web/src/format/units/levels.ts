/** Levels unit (§6.7). */

import type { FieldReader } from "../fields.js";
import type { LevelEntry, LevelGrids, LevelTable } from "../model.js";
import { gridEnds, readGrid, readGrids, type Grid } from "../quantization.js";
import { BINDINGS, RIG_SOURCES, SH_FRAMES, SITES } from "../registry.js";

const MAX_LOG_SCALE = 64;
const QUAT_SHIFT = 24;
const MAX_QUAT = 2;

export function readLevels(reader: FieldReader): LevelTable {
  const rigSource = reader.choice("the rig source", RIG_SOURCES);
  const countAt = reader.position;
  const count = reader.u8();
  if (count === 0) throw reader.error("bad-field", "no levels", countAt);
  if (count > reader.limits.levels) throw reader.error("limit-exceeded", `${count} levels`, countAt);
  const levels: LevelEntry[] = [];
  for (let index = 0; index < count; index++) levels.push(readLevel(reader, levels));
  reader.end();
  return { rigSource, levels };
}

function readLevel(reader: FieldReader, before: readonly LevelEntry[]): LevelEntry {
  const at = reader.position;
  const binding = reader.choice("a binding", BINDINGS);
  const site = reader.choice("a site", SITES);
  if (binding === "face-frame" && site !== "face") throw reader.error("bad-field", `a face frame on a ${site}`, at);
  const shFrame = reader.choice("an SH frame", SH_FRAMES);
  const degreeAt = reader.position;
  const shDegree = reader.u8();
  if (shDegree > 3) throw reader.error("bad-field", `SH of degree ${shDegree}`, degreeAt);
  const { splits, gaussians } = reader.limits;
  const splitCount = readShare(
    reader,
    splits,
    before.map((level) => level.splitCount),
  );
  if (before.length === 0 && splitCount > 0) throw reader.error("bad-field", "level 0 has splits", at);
  const gaussianCount = readShare(
    reader,
    gaussians,
    before.map((level) => level.gaussianCount),
  );
  const grids = readLevelGrids(reader, shDegree);
  return { binding, site, shFrame, shDegree, splitCount, gaussianCount, grids };
}

/** A level's count, which is limited together with those of the levels before. */
function readShare(reader: FieldReader, limit: number, before: readonly number[]): number {
  const at = reader.position;
  const count = reader.varint();
  const total = before.reduce((sum, other) => sum + other, count);
  if (total > limit) throw reader.error("limit-exceeded", `${total} up to this level, over ${limit}`, at);
  return count;
}

function readLevelGrids(reader: FieldReader, shDegree: number): LevelGrids {
  const means = readGrids(reader, 3);
  const logScales = boundedGrid(reader, MAX_LOG_SCALE);
  const quatsAt = reader.position;
  const quats = boundedGrid(reader, MAX_QUAT);
  if (quats.shift !== QUAT_SHIFT) throw reader.error("bad-field", `quaternions with the shift ${quats.shift}`, quatsAt);
  return {
    means,
    logScales,
    quats,
    opacities: readGrid(reader),
    sh0: readGrid(reader),
    shBands: readGrids(reader, shDegree),
  };
}

function boundedGrid(reader: FieldReader, bound: number): Grid {
  const at = reader.position;
  const grid = readGrid(reader);
  if (gridEnds(grid).some((end) => Math.abs(end) > bound)) {
    throw reader.error("bad-field", `a grid reaches beyond ±${bound}`, at);
  }
  return grid;
}
