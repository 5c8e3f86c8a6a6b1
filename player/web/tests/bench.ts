/** How long the demo avatar takes to decode and to pose: `npm run bench`. Ratios carry over between machines. */

import { decode, Poser } from "../dist/format/index.js";
import { demoAvatar } from "./files.js";

const ROUNDS = 9;

function median(run: () => void): number {
  const times = Array.from({ length: ROUNDS }, () => {
    const begin = performance.now();
    run();
    return performance.now() - begin;
  });
  return times.sort((a, b) => a - b)[(ROUNDS - 1) / 2];
}

const data = demoAvatar();
const scene = decode(data);
const poser = new Poser(scene);
const rows = [
  ["decode", median(() => decode(data))],
  ["prepare", median(() => new Poser(scene))],
  ["pose", median(() => poser.pose({ weights: { jawOpen: 0.5 }, rotations: { head: [0, 0.3, 0] } }))],
] as const;
console.log(`demo avatar: ${data.length} bytes, ${scene.gaussianCount} Gaussians, median of ${ROUNDS}`);
for (const [what, time] of rows) console.log(`${what.padEnd(8)} ${time.toFixed(1).padStart(7)} ms`);
