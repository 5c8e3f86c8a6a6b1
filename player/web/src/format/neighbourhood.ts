/** In which order the Gaussians of a unit are told, and which told ones predict each (§5.3). */

const CURVE_SHIFTS = [0, 170, 341] as const;

/** Neighbours per Gaussian: the one before and the one after on each curve. */
export const NEIGHBOURS = 2 * CURVE_SHIFTS.length;

/** Turns, and for each turn its six neighbours; those of the first pass have none. */
export interface Neighbourhood {
  /** (n) the Gaussian told at each turn. */
  readonly order: Int32Array;
  /** Turns of the first pass. */
  readonly firstPass: number;
  /** (n, 6) Gaussians, by turn. */
  readonly neighbours: Int32Array;
  /** (n, 6) weights, by turn, and (n) their sums. */
  readonly weights: Float64Array;
  readonly weightSums: Float64Array;
}

/** The neighbourhood of Gaussians at `places` (n, 3), in the order of the unit. */
export function buildNeighbourhood(places: Int32Array): Neighbourhood {
  const count = places.length / 3;
  const curves = CURVE_SHIFTS.map((shift) => curveOrder(places, shift));
  let stride = 1;
  while (count >= 16 * stride) stride *= 2;
  const hood = emptyNeighbourhood(count, Math.ceil(count / stride));
  const turnOf = new Int32Array(count).fill(-1);
  let turn = 0;
  const tell = (from: number, by: number): void => {
    for (let position = from; position < count; position += by) {
      const gaussian = curves[0][position];
      hood.order[turn] = gaussian;
      turnOf[gaussian] = turn++;
    }
  };
  tell(0, stride);
  for (; stride > 1; stride /= 2) {
    const told = turn;
    tell(stride / 2, stride);
    curves.forEach((curve, index) => findNeighbours(hood, curve, turnOf, told, 2 * index));
  }
  weigh(hood, places);
  return hood;
}

function emptyNeighbourhood(count: number, firstPass: number): Neighbourhood {
  return {
    order: new Int32Array(count),
    firstPass,
    neighbours: new Int32Array(NEIGHBOURS * count),
    weights: new Float64Array(NEIGHBOURS * count),
    weightSums: new Float64Array(count),
  };
}

/** Gaussians by the Morton code of their place moved by `shift` on each axis, ties by index. */
function curveOrder(places: Int32Array, shift: number): Int32Array {
  const count = places.length / 3;
  const keys = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const x = spread(places[3 * i] + shift);
    const y = spread(places[3 * i + 1] + shift);
    const z = spread(places[3 * i + 2] + shift);
    keys[i] = (4 * x + 2 * y + z) * 65536 + i;
  }
  keys.sort();
  const order = new Int32Array(count);
  for (let i = 0; i < count; i++) order[i] = keys[i] % 65536;
  return order;
}

/** Bit b of a 10-bit value to bit 3 b. */
function spread(value: number): number {
  let bits = value;
  bits = (bits | (bits << 16)) & 0x030000ff;
  bits = (bits | (bits << 8)) & 0x0300f00f;
  bits = (bits | (bits << 4)) & 0x030c30c3;
  return (bits | (bits << 2)) & 0x09249249;
}

/** For every Gaussian of the newest pass (turns from `told` on), the nearest told before it on either side. */
function findNeighbours(hood: Neighbourhood, curve: Int32Array, turnOf: Int32Array, told: number, slot: number): void {
  const { neighbours } = hood;
  const missing = -1;
  let nearest = missing;
  for (let position = 0; position < curve.length; position++) {
    const gaussian = curve[position];
    const turn = turnOf[gaussian];
    if (turn >= told) neighbours[NEIGHBOURS * turn + slot] = nearest;
    else if (turn >= 0) nearest = gaussian;
  }
  nearest = missing;
  for (let position = curve.length - 1; position >= 0; position--) {
    const gaussian = curve[position];
    const turn = turnOf[gaussian];
    if (turn >= told) {
      const at = NEIGHBOURS * turn + slot;
      neighbours[at + 1] = nearest === missing ? neighbours[at] : nearest;
      if (neighbours[at] === missing) neighbours[at] = nearest;
    } else if (turn >= 0) nearest = gaussian;
  }
}

function weigh(hood: Neighbourhood, places: Int32Array): void {
  for (let turn = hood.firstPass; turn < hood.order.length; turn++) {
    const here = 3 * hood.order[turn];
    let sum = 0;
    for (let slot = NEIGHBOURS * turn; slot < NEIGHBOURS * (turn + 1); slot++) {
      const there = 3 * hood.neighbours[slot];
      const dx = places[here] - places[there];
      const dy = places[here + 1] - places[there + 1];
      const dz = places[here + 2] - places[there + 2];
      const weight = 1 + Math.floor(2 ** 20 / (dx * dx + dy * dy + dz * dz + 2));
      hood.weights[slot] = weight;
      sum += weight;
    }
    hood.weightSums[turn] = sum;
  }
}
