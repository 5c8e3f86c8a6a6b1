/** Metadata, thumbnail and track units (§6.11 to §6.13). */

import { readColumn } from "../compression.js";
import type { FieldReader } from "../fields.js";
import type { Thumbnail, Track } from "../model.js";
import { columnWidth, dequantize, readGrid } from "../quantization.js";
import { mostValues } from "../registry.js";

export function readMetadata(reader: FieldReader): ReadonlyMap<string, string> {
  const { limits } = reader;
  if (reader.payloadBytes > limits.metadataBytes) {
    throw reader.error("limit-exceeded", `${reader.payloadBytes} bytes of metadata`);
  }
  const count = reader.varint();
  const metadata = new Map<string, string>();
  for (let i = 0; i < count; i++) {
    const at = reader.position;
    const key = reader.string();
    if (key === "") throw reader.error("bad-field", "an empty key", at);
    if (metadata.has(key)) throw reader.error("bad-field", `the key ${key} is repeated`, at);
    metadata.set(key, reader.string());
  }
  reader.end();
  return metadata;
}

export function readThumbnail(reader: FieldReader): Thumbnail {
  const at = reader.position;
  if (reader.payloadBytes > reader.limits.thumbnailBytes) {
    throw reader.error("limit-exceeded", `a thumbnail of ${reader.payloadBytes} bytes`);
  }
  const data = reader.take(reader.remaining).slice();
  const mediaType = pictureType(data);
  if (!mediaType) throw reader.error("bad-field", "a thumbnail that is no PNG, JPEG or WebP", at);
  return { mediaType, data };
}

function pictureType(data: Uint8Array): Thumbnail["mediaType"] | null {
  const begins = (at: number, ...bytes: number[]): boolean => bytes.every((byte, i) => data[at + i] === byte);
  if (begins(0, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return "image/png";
  if (begins(0, 0xff, 0xd8, 0xff)) return "image/jpeg";
  if (begins(0, 0x52, 0x49, 0x46, 0x46) && begins(8, 0x57, 0x45, 0x42, 0x50)) return "image/webp";
  return null;
}

/** The track of unit `unit`. */
export function readTrack(reader: FieldReader, unit: number): Track {
  const { limits } = reader;
  const name = reader.string();
  const rateAt = reader.position;
  const framesPerSecond = reader.f32();
  if (framesPerSecond <= 0) throw reader.error("bad-field", `${framesPerSecond} frames a second`, rateAt);
  const framesAt = reader.position;
  const frameCount = reader.count("a track's frame count", limits.trackFrames);
  const shapeNames = readNames(reader, limits.shapes);
  const jointNames = readNames(reader, limits.joints);
  const hasTranslation = reader.flag();
  const channels = shapeNames.length + 3 * jointNames.length + (hasTranslation ? 3 : 0);
  const numbers = frameCount * Math.max(1, channels);
  if (numbers > limits.trackValues) throw reader.error("limit-exceeded", `a track of ${numbers} numbers`, framesAt);
  if (numbers > mostValues(reader.payloadBytes)) {
    throw reader.error("bad-field", `a track of ${numbers} numbers in this payload`, framesAt);
  }
  const weights = readTrackBlock(reader, frameCount, shapeNames.length);
  const rotations = jointNames.length > 0 ? readTrackBlock(reader, frameCount, 3 * jointNames.length) : null;
  const translations = hasTranslation ? readTrackBlock(reader, frameCount, 3) : null;
  reader.end();
  return { unit, name, framesPerSecond, frameCount, shapeNames, jointNames, weights, rotations, translations };
}

function readNames(reader: FieldReader, limit: number): string[] {
  const count = reader.count("a track's channel count", limit);
  const names: string[] = [];
  for (let i = 0; i < count; i++) names.push(reader.string());
  return names;
}

/** (T, channels): a grid and a column for each channel. */
function readTrackBlock(reader: FieldReader, frameCount: number, channels: number): Float32Array {
  const grid = readGrid(reader);
  const values = new Float32Array(frameCount * channels);
  for (let c = 0; c < channels; c++) {
    const at = reader.position;
    const column = readColumn(reader, frameCount, columnWidth(grid));
    if (column.some((q) => q >= 2 ** grid.bits)) throw reader.error("bad-field", "a value is not on its grid", at);
    dequantize(grid, column, values, c, channels);
  }
  return values;
}
