/** What a reader accepts (FORMAT.md, section 10). */

export interface Limits {
  readonly unitBytes: number;
  readonly units: number;
  readonly gaussians: number;
  readonly gaussiansPerUnit: number;
  readonly levels: number;
  readonly vertices: number;
  readonly faces: number;
  readonly splits: number;
  readonly joints: number;
  readonly shapes: number;
  /** V · J, 3 · V0 · shapes, and 3 · V0 · 9 · corrective joints. */
  readonly rigValues: number;
  readonly needs: number;
  readonly stringBytes: number;
  readonly metadataBytes: number;
  readonly thumbnailBytes: number;
  readonly trackFrames: number;
  readonly trackValues: number;
}

/** The format's own ceilings; a reader may set lower ones. */
export const FORMAT_LIMITS: Limits = {
  unitBytes: 2 ** 26,
  units: 2 ** 20,
  gaussians: 2 ** 24,
  gaussiansPerUnit: 2 ** 16,
  levels: 16,
  vertices: 2 ** 20,
  faces: 2 ** 21,
  splits: 2 ** 24,
  joints: 2 ** 10,
  shapes: 2 ** 12,
  rigValues: 2 ** 27,
  needs: 2 ** 12,
  stringBytes: 2 ** 12,
  metadataBytes: 2 ** 16,
  thumbnailBytes: 2 ** 20,
  trackFrames: 2 ** 20,
  trackValues: 2 ** 26,
};
