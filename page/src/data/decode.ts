// Decodes the data block of the page: base64 of a raw deflate stream. The stream is a header in
// JSON, preceded by its length, and columns of variable-length integers.
// src/report/page/encode.rs writes it.

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
      if (byte === undefined) throw new Error('the data of this page is cut off');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }

  text(): string {
    const length = this.integer();
    const text = new TextDecoder().decode(this.bytes.subarray(this.at, this.at + length));
    this.at += length;
    return text;
  }

  /** Fills `column`, one integer for each element. */
  column<T extends Float64Array | Uint32Array>(column: T): T {
    for (let i = 0; i < column.length; i++) column[i] = this.integer();
    return column;
  }
}
