/**
 * Reads `multipart/related` answers (RFC 2046, RFC 2387) as they arrive: one part in memory at a time, each within
 * limits.
 */
import { ReclmisError } from '@reclmis/core';
import { Passing } from './failures.js';

export interface PartLimits {
  /** Bytes of one part. */
  readonly partBytes: number;
  /** Bytes of all together, heads included. */
  readonly totalBytes: number;
}

export interface Part {
  /** Media type without parameters, in lower case; '' if not stated. */
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** Bytes of a part's head. */
const MOST_HEAD = 16 * 1024;
/** RFC 2046 allows 70; some servers write longer ones. */
const LONGEST_BOUNDARY = 200;
const CR = 13;
const LF = 10;
const DASH = 45;

const broken = (what: string): ReclmisError =>
  new ReclmisError('PACS_INVALID', `the PACS’s multipart answer ${what}`, {
    remedy: 'Try again; if it fails again, look into the log of the PACS and of proxies on the way.',
  });

/** The media type of a Content-Type in lower case, without parameters. */
export function mediaType(contentType: string | null): string {
  return (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** The boundary of a Content-Type, in quotes or, as some servers write it, without. @throws PACS_INVALID */
export function boundaryOf(contentType: string): string {
  const found = /;\s*boundary\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]+))/i.exec(contentType);
  const boundary = found?.[1]?.replace(/\\(.)/g, '$1') ?? found?.[2] ?? '';
  if (boundary !== '' && boundary.length <= LONGEST_BOUNDARY && /^[ -~]+$/.test(boundary)) return boundary;
  throw broken('states no usable boundary');
}

/** @param chunks as they arrive. @throws PACS_UNREACHABLE: truncated; IMAGE_TOO_LARGE; PACS_INVALID: damaged, of another boundary */
export async function* readParts(
  chunks: AsyncIterable<Uint8Array>,
  boundary: string,
  limits: PartLimits,
): AsyncGenerator<Part> {
  const source = new Source(chunks, limits.totalBytes);
  const delimiter = new Delimiter(boundary);
  await source.until(delimiter, null); // what comes before the first part is no one's
  while (!(await source.closes())) {
    const type = await headOf(source);
    const body = new Collector(limits.partBytes);
    await source.until(delimiter, body);
    yield { type, bytes: body.join() };
  }
}

/** Reads the rest of the delimiter's line and the part's head; returns its media type. */
async function headOf(source: Source): Promise<string> {
  let type = '';
  let left = MOST_HEAD;
  for (let first = true; ; first = false) {
    const line = await source.line(left);
    left -= line.length + 2;
    if (first) {
      if (line.trim() !== '') throw broken('has text after a boundary');
      continue;
    }
    if (line === '') return type;
    const [, name = '', value = ''] = /^([^:]*):(.*)$/.exec(line) ?? [];
    if (name.trim().toLowerCase() === 'content-type') type = mediaType(value);
  }
}

/** CR LF, two dashes and the boundary, sought by Horspool's algorithm: its length is skipped in most steps. */
class Delimiter {
  readonly length: number;
  private readonly bytes: Uint8Array;
  private readonly skips: Uint8Array;

  constructor(boundary: string) {
    this.bytes = new TextEncoder().encode(`\r\n--${boundary}`);
    this.length = this.bytes.length;
    this.skips = new Uint8Array(256).fill(this.length);
    for (let i = 0; i < this.length - 1; i++) this.skips[this.bytes[i]!] = this.length - 1 - i;
  }

  /** Where in `data` it begins, at `from` or later, or -1. */
  in(data: Uint8Array, from: number): number {
    const { bytes, length, skips } = this;
    const last = bytes[length - 1]!;
    for (let end = from + length - 1; end < data.length; end += skips[data[end]!]!) {
      if (data[end] !== last) continue;
      let i = length - 2;
      while (i >= 0 && data[end - length + 1 + i] === bytes[i]) i -= 1;
      if (i < 0) return end - length + 1;
    }
    return -1;
  }
}

/** What has arrived and is not yet consumed. */
class Source {
  /** Line break before the first byte: a delimiter may begin the answer. */
  private held: Uint8Array = Uint8Array.of(CR, LF);
  private total = 0;
  private readonly chunks: AsyncIterator<Uint8Array>;

  constructor(
    chunks: AsyncIterable<Uint8Array>,
    private readonly limit: number,
  ) {
    this.chunks = chunks[Symbol.asyncIterator]();
  }

  /** @param lack what the end proves; otherwise the connection broke, which may pass */
  private async more(lack?: string): Promise<void> {
    const next = await this.chunks.next();
    if (next.done === true && lack !== undefined) throw broken(lack);
    if (next.done === true) throw new Passing('the PACS’s multipart answer ends in the middle');
    this.total += next.value.length;
    if (this.total > this.limit)
      throw new ReclmisError('IMAGE_TOO_LARGE', `the PACS’s answer exceeds ${this.limit} bytes`, {
        remedy: 'Ask for less at a time, or raise the limit.',
      });
    if (this.held.length === 0) this.held = next.value;
    else {
      const joined = new Uint8Array(this.held.length + next.value.length);
      joined.set(this.held);
      joined.set(next.value, this.held.length);
      this.held = joined;
    }
  }

  /** Moves what precedes the next delimiter into `to`, and drops the delimiter. */
  async until(delimiter: Delimiter, to: Collector | null): Promise<void> {
    for (let from = 0, dropped = 0; ;) {
      for (;;) {
        const at = delimiter.in(this.held, from);
        if (at < 0) break;
        // A longer word may begin like the boundary: only a line's end or two dashes complete it.
        while (this.held.length < at + delimiter.length + 2) await this.more();
        const [a = 0, b] = this.held.subarray(at + delimiter.length);
        if ((a === DASH && b === DASH) || a === CR || a === 32 || a === 9) {
          to?.add(this.held.subarray(0, at));
          this.held = this.held.subarray(at + delimiter.length);
          return;
        }
        from = at + 1;
      }
      const done = Math.max(0, this.held.length - delimiter.length + 1);
      to?.add(this.held.subarray(0, done));
      this.held = this.held.subarray(done);
      from = 0;
      if (to !== null) await this.more();
      else {
        dropped += done;
        if (dropped > MOST_HEAD) throw broken('never has the boundary that it states');
        await this.more('never has the boundary that it states');
      }
    }
  }

  /** Whether two dashes follow: the last delimiter. */
  async closes(): Promise<boolean> {
    while (this.held.length < 2) await this.more();
    return this.held[0] === DASH && this.held[1] === DASH;
  }

  /** A line without its break. */
  async line(most: number): Promise<string> {
    for (let from = 0; ;) {
      const at = this.held.indexOf(LF, from);
      if (at >= 0 ? at > most : this.held.length > most) throw broken('has a part with too long a head');
      if (at >= 0) {
        const end = this.held[at - 1] === CR ? at - 1 : at;
        const text = new TextDecoder('latin1').decode(this.held.subarray(0, end));
        this.held = this.held.subarray(at + 1);
        return text;
      }
      from = this.held.length;
      await this.more();
    }
  }
}

const BLOCK = 64 * 1024;

/** Bytes of a part, copied into blocks: chunks of single bytes would cost a hundred bytes each. */
class Collector {
  private readonly blocks: Uint8Array[] = [];
  private free = 0;
  private length = 0;

  constructor(private readonly limit: number) {}

  add(bytes: Uint8Array): void {
    this.length += bytes.length;
    if (this.length > this.limit)
      throw new ReclmisError('IMAGE_TOO_LARGE', `an instance exceeds ${this.limit} bytes`, {
        remedy: 'Raise the limit if such large instances are expected.',
      });
    for (let rest = bytes; rest.length > 0;) {
      if (this.free === 0) {
        this.free = Math.max(BLOCK, rest.length);
        this.blocks.push(new Uint8Array(this.free));
      }
      const block = this.blocks.at(-1)!;
      const count = Math.min(this.free, rest.length);
      block.set(rest.subarray(0, count), block.length - this.free);
      this.free -= count;
      rest = rest.subarray(count);
    }
  }

  join(): Uint8Array {
    const out = new Uint8Array(this.length);
    let at = 0;
    for (const block of this.blocks) {
      const used = Math.min(block.length, this.length - at);
      out.set(block.subarray(0, used), at);
      at += used;
    }
    return out;
  }
}

/**
 * A body of parts of one type under a random boundary, not copied.
 * @returns the body, and the boundary for its Content-Type
 */
export function writeParts(
  parts: readonly Uint8Array<ArrayBuffer>[],
  type: string,
): { readonly body: Blob; readonly boundary: string } {
  const random = crypto.getRandomValues(new Uint8Array(16)); // no part holds it by accident
  const boundary = `reclmis-${Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  const pieces = parts.flatMap((bytes) => [`--${boundary}\r\nContent-Type: ${type}\r\n\r\n`, bytes, '\r\n']);
  return { body: new Blob([...pieces, `--${boundary}--\r\n`]), boundary };
}
