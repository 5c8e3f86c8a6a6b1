/** Subdivision of the base mesh at edge midpoints (§6.2). */

/** Edges (E, 2), vertex pairs i < j in lexicographic order, and the faces (4 F0, 3) of the halved mesh. */
export interface Subdivision {
  readonly edges: Int32Array;
  readonly faces: Int32Array;
}

/** Halves every edge of `faces` (F0, 3), whose vertices are below `vertexCount`. */
export function subdivide(faces: Int32Array, vertexCount: number): Subdivision {
  const edges = edgesOf(faces, vertexCount);
  const midpoints = new Map<number, number>();
  for (let e = 0; e < edges.length; e += 2) {
    midpoints.set(edges[e] * vertexCount + edges[e + 1], vertexCount + e / 2);
  }
  const middle = (a: number, b: number): number => midpoints.get(Math.min(a, b) * vertexCount + Math.max(a, b))!;
  const count = faces.length / 3;
  const halved = new Int32Array(4 * faces.length);
  for (let f = 0; f < count; f++) {
    const [a, b, c] = [faces[3 * f], faces[3 * f + 1], faces[3 * f + 2]];
    const [ab, bc, ca] = [middle(a, b), middle(b, c), middle(c, a)];
    halved.set([a, ab, ca], 3 * f);
    halved.set([b, bc, ab], 3 * (count + f));
    halved.set([c, ca, bc], 3 * (2 * count + f));
    halved.set([bc, ca, ab], 3 * (3 * count + f));
  }
  return { edges, faces: halved };
}

function edgesOf(faces: Int32Array, vertexCount: number): Int32Array {
  const keys = new Float64Array(faces.length);
  for (let i = 0; i < faces.length; i++) {
    const a = faces[i];
    const b = faces[i % 3 === 2 ? i - 2 : i + 1];
    keys[i] = Math.min(a, b) * vertexCount + Math.max(a, b);
  }
  keys.sort();
  const unique = keys.filter((key, i) => i === 0 || key !== keys[i - 1]);
  const edges = new Int32Array(2 * unique.length);
  unique.forEach((key, i) => {
    edges[2 * i] = Math.floor(key / vertexCount);
    edges[2 * i + 1] = key % vertexCount;
  });
  return edges;
}

/** The midpoints (E, 3) of `points` (V0, 3), which they are appended to: (V0 + E, 3). */
export function withMidpoints(points: Float64Array, edges: Int32Array): Float64Array {
  const all = new Float64Array(points.length + (edges.length / 2) * 3);
  all.set(points);
  for (let e = 0; e < edges.length / 2; e++) {
    for (let axis = 0; axis < 3; axis++) {
      const sum = points[3 * edges[2 * e] + axis] + points[3 * edges[2 * e + 1] + axis];
      all[points.length + 3 * e + axis] = sum / 2;
    }
  }
  return all;
}
