/** Reader of .pav files: the public names. */

export { decode, Decoder } from "./decoder.js";
export {
  FormatError,
  LimitError,
  PavError,
  SEVERITIES,
  UnsupportedError,
  type ErrorCode,
  type Severity,
} from "./errors.js";
export type { Content, HeaderArrived, PavEvent, RigNamed, StreamEnded, UnitArrived, UnitDamaged } from "./events.js";
export type { FileHeader } from "./layout.js";
export { FORMAT_LIMITS, type Limits } from "./registry.js";
export type * from "./model.js";
export { Scene, type SceneArrays } from "./scene.js";
export type { Pose } from "./mesh_posing.js";
export { Poser, type PosedGaussians } from "./posing.js";
