/** One zstd frame of a known content size, opened by the reference decoder compiled to WebAssembly. */

import { ZSTDDecoder } from "zstddec";

const decoder = new ZSTDDecoder();
await decoder.init();

/** What a frame's own headers say. */
interface Frame {
  readonly contentBytes: number;
  readonly frameBytes: number;
}

/**
 * The content of `bytes`, if they are exactly one frame that states a content size of `expected` and opens to that;
 * else null. Nothing is opened before the stated size has been found right.
 */
export function openFrame(bytes: Uint8Array, expected: number): Uint8Array | null {
  const frame = readFrame(bytes);
  if (!frame || frame.contentBytes !== expected || frame.frameBytes !== bytes.length) return null;
  if (expected === 0) return new Uint8Array(0);
  const content = decoder.decode(bytes, expected);
  return content.length === expected ? content : null;
}

/** Walks the frame header and the block headers (RFC 8878, section 3.1.1); null if they are wrong. */
function readFrame(bytes: Uint8Array): Frame | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 6 || view.getUint32(0, true) !== 0xfd2fb528) return null;
  const descriptor = bytes[4];
  const single = (descriptor >> 5) & 1;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3];
  const sizeBytes = descriptor >> 6 ? 1 << (descriptor >> 6) : single;
  const sizeAt = 5 + (1 - single) + dictionaryBytes;
  if (sizeBytes === 0 || sizeAt + sizeBytes > bytes.length) return null;
  const frameBytes = frameEnd(view, sizeAt + sizeBytes, (descriptor >> 2) & 1);
  return frameBytes === null ? null : { contentBytes: contentSize(view, sizeAt, sizeBytes), frameBytes };
}

function contentSize(view: DataView, at: number, sizeBytes: number): number {
  if (sizeBytes === 1) return view.getUint8(at);
  if (sizeBytes === 2) return view.getUint16(at, true) + 256;
  if (sizeBytes === 4) return view.getUint32(at, true);
  return Number(view.getBigUint64(at, true));
}

function frameEnd(view: DataView, firstBlock: number, checksum: number): number | null {
  for (let at = firstBlock; at + 3 <= view.byteLength; ) {
    const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    const repeated = ((header >> 1) & 3) === 1;
    at += 3 + (repeated ? 1 : header >> 3);
    if (header & 1) {
      const end = at + 4 * checksum;
      return end <= view.byteLength ? end : null;
    }
  }
  return null;
}
