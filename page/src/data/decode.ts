// Decodes the data block of the page: base64 of a raw deflate stream. The stream is a header in
// JSON, preceded by its length, and columns of variable-length integers.
// src/report/page/encode.rs writes it.

import { pause } from '../pause';

/** Integers that are read without a pause. */
const PART = 1 << 19;
const CUT_OFF = 'the data of this page is cut off';

/** Returns the bytes of `text`, which is base64. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** Returns the content of a raw deflate stream. */
export async function inflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Reader of integers: seven bits a byte, the lowest first; the highest says that more follow. */
export class Reader {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  integer(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new Error(CUT_OFF);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }

  /** Returns a column of integers. */
  floats(length: number): Promise<Float64Array> {
    return this.column(new Float64Array(length));
  }

  /** Returns a column of integers that were encoded as differences, ascending. */
  async increasing(length: number): Promise<Float64Array> {
    const column = await this.floats(length);
    for (let i = 1; i < length; i++) column[i] = column[i]! + column[i - 1]!;
    return column;
  }

  /** Returns a column of integers that were encoded as differences, whose lowest bit is a sign. */
  async differences(length: number): Promise<Uint32Array> {
    const column = new Uint32Array(length);
    let value = 0;
    for (let i = 0; i < length; i++) {
      if (i % PART === PART - 1) await pause();
      const word = this.integer();
      value += word % 2 === 1 ? -(word + 1) / 2 : word / 2;
      column[i] = value;
    }
    return column;
  }

  text(): string {
    const length = this.integer();
    const text = new TextDecoder().decode(this.bytes.subarray(this.at, this.at + length));
    this.at += length;
    return text;
  }

  /** Fills `column`, one integer for each element, in parts that block nothing else. */
  async column<T extends Float64Array | Uint32Array>(column: T): Promise<T> {
    for (let first = 0; first < column.length; first += PART) {
      if (first > 0) await pause();
      this.fill(column, first, Math.min(first + PART, column.length));
    }
    return column;
  }

  /** Fills a part of `column`: a loop of its own, because integers of one byte are the most. */
  private fill(column: Float64Array | Uint32Array, first: number, last: number): void {
    const { bytes } = this;
    let { at } = this;
    for (let i = first; i < last; i++) {
      const byte = bytes[at];
      if (byte !== undefined && byte < 0x80) {
        column[i] = byte;
        at++;
        continue;
      }
      this.at = at;
      column[i] = this.integer();
      at = this.at;
    }
    this.at = at;
  }
}
