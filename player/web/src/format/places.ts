/** Places: where on the template a site is, in integers that serve prediction only (§5.2). */

/** Places of base vertices, (V0, 3) from the mean neutral (V0, 3). */
export function vertexPlaces(neutral: Float32Array): Int32Array {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (let i = 0; i < neutral.length; i++) {
    low[i % 3] = Math.min(low[i % 3], neutral[i]);
    high[i % 3] = Math.max(high[i % 3], neutral[i]);
  }
  const size = Math.max(high[0] - low[0], high[1] - low[1], high[2] - low[2]);
  const places = new Int32Array(neutral.length);
  if (!(size > 0)) return places;
  const scale = 682 / size;
  for (let i = 0; i < neutral.length; i++) places[i] = Math.floor((neutral[i] - low[i % 3]) * scale);
  return places;
}

/** Places of the base vertices and then of the midpoints of `edges` (E, 2). */
export function withMidpointPlaces(places: Int32Array, edges: Int32Array): Int32Array {
  const all = new Int32Array(places.length + (edges.length / 2) * 3);
  all.set(places);
  for (let e = 0; e < edges.length / 2; e++) {
    for (let axis = 0; axis < 3; axis++) {
      const sum = places[3 * edges[2 * e] + axis] + places[3 * edges[2 * e + 1] + axis];
      all[places.length + 3 * e + axis] = sum >> 1;
    }
  }
  return all;
}

/** Places of faces, (F, 3), from those of vertices (V, 3). */
export function facePlaces(places: Int32Array, faces: Int32Array): Int32Array {
  const result = new Int32Array(faces.length);
  for (let f = 0; f < faces.length; f += 3) {
    for (let axis = 0; axis < 3; axis++) {
      const sum = places[3 * faces[f] + axis] + places[3 * faces[f + 1] + axis] + places[3 * faces[f + 2] + axis];
      result[f + axis] = Math.floor(sum / 3);
    }
  }
  return result;
}
