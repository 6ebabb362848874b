import { describe, expect, it } from 'vitest';
import { inflate } from './decode';

/** Returns the base64 of a raw deflate stream. */
async function deflate(content: Uint8Array<ArrayBuffer>): Promise<string> {
  const stream = new Blob([content]).stream().pipeThrough(new CompressionStream('deflate-raw'));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''));
}

describe('a data block', () => {
  it('is decompressed in parts', async () => {
    // Compression hardly shortens random bytes, so that there is more than one part.
    let random = 1;
    const content = Uint8Array.from({ length: 1 << 20 }, () => {
      random = (Math.imul(random, 1103515245) + 12345) >>> 0;
      return random >>> 24;
    });
    const decompressed = await inflate(`\n${await deflate(content)}\n`);
    expect(decompressed.length).toBe(content.length);
    expect(decompressed.every((byte, at) => byte === content[at])).toBe(true);
  });

  it('that is none says so', async () => {
    await expect(inflate('AAAA')).rejects.toThrow();
  });
});
