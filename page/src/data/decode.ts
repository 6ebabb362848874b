// Decodes the data block of the page: base64 of a raw deflate stream. The stream is a header in
// JSON, preceded by its length, and columns of variable-length integers.
// src/report/page/columns.rs writes it.

import { pause } from '../work';

/** Integers that are read without a pause. */
const PART = 1 << 18;
const CUT_OFF = 'the data of this page is cut off';

/** Bytes that are copied without a pause: 2 to the power of this. */
const COPIED = 22;

/** Characters of base64 that are read without a pause; a multiple of four. */
const CHARACTERS = 1 << 20;

/** `Uint8Array.fromBase64`, which browsers have since 2025. */
type FromBase64 = (text: string) => Uint8Array<ArrayBuffer>;

/** Returns the bytes of `text`, which is base64. */
function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const array = Uint8Array as typeof Uint8Array & { fromBase64?: FromBase64 };
  if (array.fromBase64) return array.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** Returns the content of a raw deflate stream, which is base64, without blocking for long. */
export async function inflate(text: string): Promise<Uint8Array> {
  const base64 = text.trim();
  const stream = new DecompressionStream('deflate-raw');
  const [, content] = await Promise.all([
    write(stream.writable.getWriter(), base64),
    read(stream.readable.getReader()),
  ]);
  return content;
}

async function write(to: WritableStreamDefaultWriter<BufferSource>, base64: string): Promise<void> {
  for (let at = 0; at < base64.length; at += CHARACTERS) {
    await pause();
    await to.write(fromBase64(base64.slice(at, at + CHARACTERS)));
  }
  await to.close();
}

async function read(from: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { value } = await from.read();
    if (!value) break;
    parts.push(value);
    length += value.length;
  }
  const content = new Uint8Array(length);
  length = 0;
  for (const part of parts) {
    content.set(part, length);
    // Memory is given when it is written, which takes longer than copying.
    if ((length + part.length) >> COPIED > length >> COPIED) await pause();
    length += part.length;
  }
  return content;
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

  /** Returns a column whose lowest bytes come first, then its second bytes, and so on. */
  async figures(length: number): Promise<Float64Array> {
    const column = new Float64Array(length);
    const planes = this.integer();
    for (let plane = 0; plane < planes; plane++) {
      for (let first = 0; first < length; first += PART) {
        await pause();
        const last = Math.min(first + PART, length);
        addPlane(column.subarray(first, last), this.take(last - first), 256 ** plane);
      }
    }
    return column;
  }

  /** Returns a column of integers that were encoded as differences, ascending. */
  async increasing(length: number): Promise<Float64Array> {
    const column = await this.floats(length);
    for (let i = 1; i < length; i++) column[i] = column[i]! + column[i - 1]!;
    return column;
  }

  /** Returns an integer whose lowest bit is its sign. */
  signed(): number {
    const word = this.integer();
    return word % 2 === 1 ? -(word + 1) / 2 : word / 2;
  }

  /** Returns a column of integers that were encoded as differences with a sign. */
  async differences(length: number): Promise<Uint32Array> {
    const column = new Uint32Array(length);
    let value = 0;
    for (let i = 0; i < length; i++) {
      if (i % PART === PART - 1) await pause();
      value += this.signed();
      column[i] = value;
    }
    return column;
  }

  /** Returns a column of integers with a sign. */
  async signedColumn(length: number): Promise<Float64Array> {
    const column = new Float64Array(length);
    for (let i = 0; i < length; i++) {
      if (i % PART === PART - 1) await pause();
      column[i] = this.signed();
    }
    return column;
  }

  /** Returns so many bytes as they are. */
  take(length: number): Uint8Array {
    const last = this.at + length;
    if (last > this.bytes.length) throw new Error(CUT_OFF);
    return this.bytes.subarray(this.at, (this.at = last));
  }

  /** Returns values that were encoded as arrays in JSON, so many in all. */
  async values<T>(length: number): Promise<T[]> {
    const values: T[] = [];
    while (values.length < length) {
      if (values.length > 0) await pause();
      for (const value of JSON.parse(this.text()) as T[]) values.push(value);
    }
    return values;
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

function addPlane(column: Float64Array, plane: Uint8Array, scale: number): void {
  for (let i = 0; i < plane.length; i++) column[i] = column[i]! + plane[i]! * scale;
}
