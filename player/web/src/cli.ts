#!/usr/bin/env node
/** `node dist/cli.js FILE …`: what is in .pav files, as JSON. The only module that opens files. */

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { decoded } from "./decoded.js";

const USAGE = `usage: pav-read [--rig=RIG] [--bytes N] [--chunk N] FILE…

Decodes each FILE, a .pav file or a prefix of one, and prints what is in it as a line of JSON
(spec/vectors/README.md): the scene, arrays by their CRC-32, or the error that refuses the file.

  pav-read head.pav
  pav-read --bytes 40000 head.pav      only the first bytes
  pav-read --chunk 1000 head.pav       fed in pieces of 1000 bytes: the same result
  pav-read --rig=rig.pav head.pav      where the rig is that FILE names

Exit codes: 0 told, damaged and refused files included; 2 usage; 3 could not run.
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
  const [bytes, chunkBytes] = [Number(values.bytes ?? Infinity), Number(values.chunk ?? Infinity)];
  if (positionals.length === 0 || !(bytes >= 0 && chunkBytes >= 1)) {
    process.stderr.write(positionals.length ? `--bytes and --chunk take numbers\n${USAGE}` : USAGE);
    return 2;
  }
  const rigFile = values.rig === undefined ? null : readFileSync(values.rig);
  for (const path of positionals) {
    const result = decoded(readFileSync(path).subarray(0, bytes), { rigFile, chunkBytes });
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }
  return 0;
}

try {
  process.exitCode = main();
} catch (error) {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 3;
}
