/** Levels unit (FORMAT.md, section 6.7). */

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
  let splits = 0;
  let gaussians = 0;
  for (let index = 0; index < count; index++) {
    const at = reader.position;
    const level = readLevel(reader, index);
    splits += level.splitCount;
    gaussians += level.gaussianCount;
    if (splits > reader.limits.splits) throw reader.error("limit-exceeded", `${splits} splits`, at);
    if (gaussians > reader.limits.gaussians) throw reader.error("limit-exceeded", `${gaussians} Gaussians`, at);
    levels.push(level);
  }
  reader.end();
  return { rigSource, levels };
}

function readLevel(reader: FieldReader, index: number): LevelEntry {
  const at = reader.position;
  const binding = reader.choice("a binding", BINDINGS);
  const site = reader.choice("a site", SITES);
  if (binding === "face-frame" && site !== "face") throw reader.error("bad-field", `a face frame on a ${site}`, at);
  const shFrame = reader.choice("an SH frame", SH_FRAMES);
  const degreeAt = reader.position;
  const shDegree = reader.u8();
  if (shDegree > 3) throw reader.error("bad-field", `SH of degree ${shDegree}`, degreeAt);
  const splitCount = reader.count("a level's split count", reader.limits.splits);
  const gaussianCount = reader.count("a level's Gaussian count", reader.limits.gaussians);
  const grids = readLevelGrids(reader, shDegree);
  if (index === 0 && splitCount > 0) throw reader.error("bad-field", "level 0 has splits", at);
  return { binding, site, shFrame, shDegree, splitCount, gaussianCount, grids };
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
