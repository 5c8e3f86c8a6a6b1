/** Mesh connectivity: faces told by a walk over open edges (§6.2). */

import { WalkSymbol } from "./registry.js";

/** How a vertex is predicted: x + y − w, or by the vertex before it where `x` is −1. */
export interface Predictions {
  readonly x: Int32Array;
  readonly y: Int32Array;
  readonly w: Int32Array;
}

/** Faces (F0, 3) and the prediction of each of V0 vertices. */
export interface Connectivity {
  readonly faces: Int32Array;
  readonly predictions: Predictions;
}

/** The walk's three streams, already decoded. */
export interface WalkStreams {
  readonly symbols: Uint32Array;
  readonly rotations: Uint32Array;
  readonly numbers: Uint32Array;
}

/** Why a walk failed. */
export class WalkError extends Error {}

/** Follows the walk that tells `faceCount` faces of `vertexCount` vertices. Throws WalkError. */
export function walk(streams: WalkStreams, faceCount: number, vertexCount: number): Connectivity {
  return new Walk(streams, faceCount, vertexCount).run();
}

class Walk {
  private readonly faces: Int32Array;
  private readonly predictions: Predictions;
  /** Third corner of the face that opened x → y, for each edge that is open. */
  private readonly open = new Map<number, number>();
  private readonly stack: number[] = [];
  /** By vertex: where the edge into it, and out of it, that was opened last begins and ends. */
  private readonly lastInto: Int32Array;
  private readonly lastOutOf: Int32Array;
  private readonly used = { symbols: 0, rotations: 0, numbers: 0 };
  private told = 0;
  private met = 0;

  constructor(
    private readonly streams: WalkStreams,
    private readonly faceCount: number,
    private readonly vertexCount: number,
  ) {
    this.faces = new Int32Array(3 * faceCount);
    const none = (): Int32Array => new Int32Array(vertexCount).fill(-1);
    this.predictions = { x: none(), y: none(), w: none() };
    this.lastInto = none();
    this.lastOutOf = none();
  }

  run(): Connectivity {
    while (this.told < this.faceCount) {
      const edge = this.newestOpenEdge();
      if (edge === null) this.beginPart();
      else this.cross(edge);
    }
    for (const stream of ["symbols", "rotations", "numbers"] as const) {
      if (this.used[stream] < this.streams[stream].length) {
        throw new WalkError(`${stream} are left after the last face`);
      }
    }
    return { faces: this.faces, predictions: this.predictions };
  }

  private next(stream: keyof WalkStreams): number {
    const values = this.streams[stream];
    if (this.used[stream] === values.length) throw new WalkError(`${stream} end too early`);
    return values[this.used[stream]++];
  }

  private newestOpenEdge(): number | null {
    for (let edge = this.stack.pop(); edge !== undefined; edge = this.stack.pop()) {
      if (this.open.has(edge)) return edge;
    }
    return null;
  }

  private beginPart(): void {
    const [a, b, c] = [this.partCorner(), this.partCorner(), this.partCorner()];
    this.faces.set([a, b, c], 3 * this.told++);
    this.openOrClose(a, b, c);
  }

  private partCorner(): number {
    const number = this.next("numbers");
    return number === 0 ? this.newVertex() : this.known(number - 1);
  }

  private cross(edge: number): void {
    const x = Math.floor(edge / this.vertexCount);
    const y = edge % this.vertexCount;
    const symbol = this.next("symbols");
    if (symbol === WalkSymbol.border) {
      this.open.delete(edge);
      return;
    }
    const v = this.across(symbol, x, y, this.open.get(edge)!);
    const rotation = this.next("rotations");
    if (rotation > 2) throw new WalkError(`a rotation is ${rotation}`);
    const at = 3 * this.told++;
    this.faces[at + rotation] = y;
    this.faces[at + ((rotation + 1) % 3)] = x;
    this.faces[at + ((rotation + 2) % 3)] = v;
    this.openOrClose(y, x, v);
  }

  private across(symbol: number, x: number, y: number, w: number): number {
    if (symbol === WalkSymbol.new) {
      const v = this.newVertex();
      this.predictions.x[v] = x;
      this.predictions.y[v] = y;
      this.predictions.w[v] = w;
      return v;
    }
    if (symbol === WalkSymbol.left) return this.known(this.lastInto[x]);
    if (symbol === WalkSymbol.right) return this.known(this.lastOutOf[y]);
    if (symbol === WalkSymbol.other) return this.known(this.next("numbers"));
    throw new WalkError(`a symbol is ${symbol}`);
  }

  private newVertex(): number {
    if (this.met === this.vertexCount) throw new WalkError("more vertices than counted");
    return this.met++;
  }

  private known(vertex: number): number {
    if (vertex < 0 || vertex >= this.met) throw new WalkError(`no vertex ${vertex} yet`);
    return vertex;
  }

  /** The edges of a face as told: each closes the opposite one or is opened itself. */
  private openOrClose(a: number, b: number, c: number): void {
    this.edge(a, b, c);
    this.edge(c, a, b);
    this.edge(b, c, a);
  }

  private edge(from: number, to: number, third: number): void {
    if (this.open.delete(to * this.vertexCount + from)) return;
    const key = from * this.vertexCount + to;
    if (this.open.has(key)) return;
    this.open.set(key, third);
    this.stack.push(key);
    this.lastInto[to] = from;
    this.lastOutOf[from] = to;
  }
}
