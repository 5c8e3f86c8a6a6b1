#!/usr/bin/env node
/** `node dist/cli.js FILE`: what is in a .pav file, as JSON. The only module that opens files. */

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { PavError } from "./format/index.js";
import { summarize } from "./summary.js";

const USAGE = `usage: pav-read [--rig RIG] [--bytes N] [--chunk N] FILE

Decodes FILE, a .pav file or a prefix of one, and prints what is in it as JSON.

  pav-read head.pav
  pav-read --bytes 40000 head.pav      only the first bytes
  pav-read --chunk 1000 head.pav       fed in pieces of 1000 bytes: the same result
  pav-read --rig rig.pav head.pav      where the rig is that FILE names

Exit codes: 0 fine (damage in it or not), 1 the file is refused, 2 usage, 3 could not run.
`;

function main(): number {
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h" },
        rig: { type: "string" },
        bytes: { type: "string" },
        chunk: { type: "string" },
      },
    });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}`);
    return 2;
  }
  const { values, positionals } = parsed;
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (positionals.length !== 1) {
    process.stderr.write(USAGE);
    return 2;
  }
  const [bytes, chunk] = [Number(values.bytes ?? Infinity), Number(values.chunk ?? Infinity)];
  if (!(bytes >= 0 && chunk >= 1)) {
    process.stderr.write(`--bytes and --chunk take numbers\n${USAGE}`);
    return 2;
  }
  const summary = summarize(readFileSync(positionals[0]).subarray(0, bytes), {
    rigFile: values.rig === undefined ? null : readFileSync(values.rig),
    chunkBytes: chunk,
  });
  process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
  return summary.error === null ? 0 : 1;
}

try {
  process.exitCode = main();
} catch (error) {
  process.stderr.write(`${error instanceof PavError ? error.message : String(error)}\n`);
  process.exitCode = 3;
}
