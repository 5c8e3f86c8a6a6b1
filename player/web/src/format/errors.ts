/** What can go wrong with the bytes (§11). */

import type { ErrorCode } from "./registry.js";

export { SEVERITIES, type ErrorCode, type Severity } from "./registry.js";

/** Anything wrong with the bytes. `offset` is that of the field at fault, in the file. */
export class PavError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly offset: number,
  ) {
    super(`${code} at byte ${offset}: ${message}`);
    this.name = new.target.name;
  }
}

/** The bytes break a rule: fix the file. */
export class FormatError extends PavError {}

/** The bytes may be right, but need a newer reader. */
export class UnsupportedError extends PavError {}

/** The file asks for more than the limits in force. */
export class LimitError extends PavError {}

/** The error of the class that `code` calls for. */
export function pavError(code: ErrorCode, message: string, offset: number): PavError {
  if (code === "limit-exceeded") return new LimitError(code, message, offset);
  if (code.startsWith("unsupported-")) return new UnsupportedError(code, message, offset);
  return new FormatError(code, message, offset);
}
