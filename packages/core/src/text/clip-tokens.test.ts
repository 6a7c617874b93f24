/** On a made vocabulary; `tests/clip-tokens.test.ts` has the real one if available. */
import { beforeAll, describe, expect, it } from 'vitest';
import { cleanClipText, clipWords } from './clip-clean.js';
import { ClipTokenizer } from './clip-tokens.js';
import { groupTokens } from './note-tokens.js';
import { Random } from '../random.js';
import { utf8Bytes } from './web.js';

declare const CompressionStream: new (format: 'gzip') => object;
declare class Blob {
  constructor(parts: readonly Uint8Array[]);
  stream(): { pipeThrough(through: object): unknown };
}
declare class Response {
  constructor(body: unknown);
  arrayBuffer(): Promise<ArrayBuffer>;
}

const MERGES = 48_894;
const START = 49_406;
const END = 49_407;

const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => String.fromCharCode(from + i));
/** Characters for bytes, in the order of ids. */
const BYTES = [...range(0x21, 0x7e), ...range(0xa1, 0xac), ...range(0xae, 0xff), ...range(0x100, 0x143)];

const merges: (readonly [string, string])[] = [
  ['l', 'u'],
  ['lu', 'n'],
  ['lun', 'g</w>'],
  ['x', 'x'],
  ['xx', 'xx'],
  ['xx', 'x</w>'],
];
const made = new Set(merges.map((pair) => pair.join('')));
for (const a of [...BYTES].reverse()) {
  for (const b of [...BYTES].reverse()) {
    if (merges.length < MERGES && !made.has(a + b)) merges.push([a, b]);
  }
}
const textOf = (pairs: readonly (readonly [string, string])[]): string =>
  `#version: 0.2\n${pairs.map((pair) => pair.join(' ')).join('\n')}\n`;
const text = textOf(merges);

const symbols = [
  ...BYTES,
  ...BYTES.map((symbol) => `${symbol}</w>`),
  ...merges.map((pair) => pair.join('')),
  '<|startoftext|>',
  '<|endoftext|>',
];
const vocab = Object.fromEntries(symbols.map((symbol, id) => [symbol, id]));
const model = {
  type: 'BPE',
  continuing_subword_prefix: '',
  end_of_word_suffix: '</w>',
  vocab,
  merges: merges.map((pair) => pair.join(' ')) as unknown,
};

const gzip = async (bytes: Uint8Array): Promise<Uint8Array> =>
  new Uint8Array(
    await new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'))).arrayBuffer(),
  );
const invalid = (message: RegExp): unknown =>
  expect.objectContaining({
    code: 'VOCABULARY_INVALID',
    message: expect.stringMatching(message) as unknown,
    remedy: expect.stringContaining('tokenizer.json') as unknown,
  });
const byte = (character: string): number => BYTES.indexOf(character);

describe('ClipTokenizer', () => {
  let tokenizer: ClipTokenizer;
  beforeAll(() => {
    tokenizer = ClipTokenizer.fromMerges(text);
  });

  it('assigns each token to its word', () => {
    const { groups, cut } = groupTokens(tokenizer.tokens('Lung, lungs', 9));
    expect(groups.map(({ kind, text, tokens }) => [kind, text, tokens.length])).toEqual([
      ['start', '', 1],
      ['word', 'lung', 1],
      ['word', ',', 1],
      ['word', 'lungs', 3], // lun, g, s: "lung" merges only at the end of a word
      ['end', '', 1],
      ['padding', '', 2],
    ]);
    expect(cut).toEqual([]);
    const { tokens } = tokenizer.tokens('lungs', 9);
    expect(tokens.slice(1, 4).map(({ text }) => text)).toEqual(['lun', 'g', 's']);
  });

  it('has as many tokens as `encode`; a cut word keeps its first', () => {
    for (const length of [2, 4, 5, 20]) {
      const note = 'lung, lungs';
      const { tokens, words } = tokenizer.tokens(note, length);
      const { ids, length: kept } = tokenizer.encode(note, length);
      expect(tokens).toHaveLength(ids.length);
      expect(tokens.filter(({ kind }) => kind !== 'padding')).toHaveLength(kept);
      expect(tokens[kept - 1]?.kind).toBe('end');
      expect(words).toEqual(['lung', ',', 'lungs']);
    }
    const cut = groupTokens(tokenizer.tokens('lung, lungs', 4));
    expect(cut.groups.map(({ text }) => text)).toEqual(['', 'lung', ',', '']);
    expect(cut.cut).toEqual(['lungs']);
  });

  it('merges the lowest rank first, and knows the end of a word', () => {
    expect(tokenizer.size).toBe(49_408);
    expect([tokenizer.startToken, tokenizer.endToken]).toEqual([START, END]);
    expect(tokenizer.tokenize('Lung LUNG')).toEqual([514, 514]);
    // [lu][n][g</w>] needs "lung" at the end of the word
    expect(tokenizer.tokenize('lungs')).toEqual([513, byte('g'), byte('s') + 256]);
    expect(tokenizer.tokenize('a')).toEqual([byte('a') + 256]);
    expect(tokenizer.tokenize('')).toEqual([]);
  });

  it('merges overlapping pairs from the left, like passes over the whole word', () => {
    const x = byte('x') + 256;
    const ids = [515, 516, 517]; // xx, xxxx, xxx</w>
    expect(tokenizer.tokenize('x')).toEqual([x]);
    expect(tokenizer.tokenize('xx')).toEqual([byte('x'), x]);
    expect(tokenizer.tokenize('xxx')).toEqual([ids[2]]);
    expect(tokenizer.tokenize('xxxx')).toEqual([ids[0], byte('x'), x]);
    expect(tokenizer.tokenize('xxxxx')).toEqual([ids[1], x]);
    expect(tokenizer.tokenize('xxxxxxx')).toEqual([ids[1], ids[2]]);
  });

  it('reads marks written in a text as marks', () => {
    expect(tokenizer.tokenize('<|startoftext|> lung <|ENDOFTEXT|>')).toEqual([START, 514, END]);
  });

  it('encodes with start, end and padding, and keeps the end token of a long text', () => {
    expect(tokenizer.encode('lung a', 6)).toEqual({
      ids: [START, 514, byte('a') + 256, END, 0, 0],
      length: 4,
      truncated: false,
    });
    expect(tokenizer.encode('lung a', 4)).toMatchObject({ length: 4, truncated: false });
    expect(tokenizer.encode('lung a', 3)).toEqual({ ids: [START, 514, END], length: 3, truncated: true });
    expect(tokenizer.encode('lung a', 2)).toEqual({ ids: [START, END], length: 2, truncated: true });
    expect(tokenizer.encode('', 3)).toEqual({ ids: [START, END, 0], length: 2, truncated: false });
    for (const length of [1, 2.5, NaN]) {
      expect(() => tokenizer.encode('lung', length)).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID' }),
      );
    }
  });

  it('gives composed and decomposed characters the same ids', () => {
    for (const text of ['größer', 'état', 'Å', '한국'])
      expect(tokenizer.tokenize(text.normalize('NFD')), text).toEqual(
        tokenizer.tokenize(text.normalize('NFC')),
      );
  });

  it('decodes without marks and padding, but keeps a real "!"', () => {
    expect(tokenizer.decode(tokenizer.encode('Lung, a !', 12).ids)).toBe('lung , a !');
    expect(tokenizer.decode([0, byte('?') + 256, 0, 0])).toBe('!?');
    expect(tokenizer.decode([byte('\u00ff')])).toBe('\ufffd');
    expect(tokenizer.decode([])).toBe('');
    for (const id of [-1, 0.5, 49_408]) expect(() => tokenizer.decode([id])).toThrow(invalid(/ids from 0/));
  });

  it('keeps the text of random strings, up to clean-up and spaces between words', () => {
    const pieces = [
      ...['lung', 'Left', "'s", "'LL", '12', ' ', '\t', '\u3000', '\x85', '\x1c', '\ufeff', '\0', '\x7f'],
      ...['.', '-', '!', '&lt;', '&amp;amp;', '&', '</w>', 'Σ', 'İ', 'ß', 'e\u0301', '½', '\u0301'],
      ...[
        '肺部',
        '한국',
        'двух',
        'الرئة',
        'ภาพ',
        'हिन्दी',
        '😷',
        '👩\u200d⚕️',
        '\u{1d400}',
        '\u200f',
        '\uffff',
      ],
    ];
    const random = Random.from('clip-tokens', 1);
    for (let i = 0; i < 500; i++) {
      const note = Array.from({ length: 1 + random.int(20) }, () => pieces[random.int(pieces.length)]!).join(
        '',
      );
      const words = clipWords(cleanClipText(note));
      expect(words.join('')).toBe(cleanClipText(note).replaceAll(' ', ''));
      expect(tokenizer.decode(tokenizer.encode(note, 400).ids)).toBe(words.join(' '));
    }
  });

  it('turns a lone surrogate into U+FFFD', () => {
    expect(tokenizer.decode(tokenizer.tokenize('a \ud83d b'))).toBe('a \ufffd b');
  });

  it('gives the same ids after the cache has dropped a word', () => {
    const before = tokenizer.tokenize('lung xxxx');
    for (let i = 0; i < 30_000; i += 100) {
      tokenizer.tokenize(
        Array.from({ length: 100 }, (_, j) => (i + j).toString(36).replace(/\d/g, 'é')).join(' '),
      );
    }
    expect(tokenizer.tokenize('lung xxxx')).toEqual(before);
  });

  it('finishes a word of a million letters', () => {
    const ids = tokenizer.tokenize('x'.repeat(1_000_000));
    expect(ids.length).toBe(250_002); // 249,999 of xxxx, then xx, x, x</w>
    expect(ids.slice(-4)).toEqual([516, 515, byte('x'), byte('x') + 256]);
  });

  it('writes its merges, readable again and the same for each format', async () => {
    expect(tokenizer.toMerges()).toBe(text);
    const other = `a title #version: 0.2\r\n${text.split('\n').slice(1, -1).join('\r\n')}\r\nnot used\r\n`;
    expect(ClipTokenizer.fromMerges(other).toMerges()).toBe(text);
    const pairs = { model: { ...model, merges } };
    expect(ClipTokenizer.fromTokenizerJson({ model }).toMerges()).toBe(text);
    expect(ClipTokenizer.fromTokenizerJson(pairs).toMerges()).toBe(text);
    const plain = utf8Bytes(text);
    for (const bytes of [plain, await gzip(plain), utf8Bytes(JSON.stringify({ model }, null, 1))]) {
      expect((await ClipTokenizer.fromBytes(bytes)).toMerges()).toBe(text);
    }
  });

  const changed = (at: number, pair: readonly [string, string]): string => textOf(merges.with(at, pair));
  it.each([
    ['no version', text.slice(text.indexOf('\n') + 1), /line 1: .*got "l u"/],
    ['nothing', '', /line 1/],
    ['a merge too few', textOf(merges.slice(1)), /expected 48894 merges, got 48893/],
    ['a merge twice', changed(9, ['lu', 'n']), /line 11: "lun" exists already/],
    [
      'two merges that make the same',
      textOf(merges.with(3, ['u', 'n']).with(4, ['l', 'un'])),
      /line 6: "lun" exists already/,
    ],
    ['a symbol that no merge makes', changed(3, ['l', 'un']), /line 5: "un" is neither/],
    ['an unknown symbol', changed(9, ['a', 'nosuch']), /line 11: "nosuch" is neither/],
    ['symbols after the end of a word', changed(9, ['a</w>', 'b']), /line 11: nothing can follow "a<\/w>"/],
    ['a line of three', text.replace('lu n\n', 'l u n\n'), /line 3: expected two symbols/],
  ])('refuses merges with %s', (_, bad, message) => {
    expect(() => ClipTokenizer.fromMerges(bad)).toThrow(invalid(message));
  });

  const swapped = { ...vocab, lu: 513, lun: 512 };
  const fewer = Object.fromEntries(Object.entries(vocab).slice(1));
  it.each([
    ['no model', {}, /"model"/],
    ['null', null, /"model"/],
    ['another model', { model: { ...model, type: 'WordPiece' } }, /model.type: expected "BPE"/],
    ['another suffix', { model: { ...model, end_of_word_suffix: '' } }, /end_of_word_suffix: .*got ""/],
    ['no suffix', { model: { ...model, end_of_word_suffix: undefined } }, /got nothing/],
    ['a prefix', { model: { ...model, continuing_subword_prefix: '##' } }, /continuing_subword_prefix/],
    ['no merges', { model: { ...model, merges: 'l u' } }, /expected a list/],
    ['a merge of three', { model: { ...model, merges: ['l u n'] } }, /merges\[0\]: expected two/],
    ['a merge of numbers', { model: { ...model, merges: [[1, 2]] } }, /merges\[0\]: expected two/],
    ['too few merges', { model: { ...model, merges: ['l u'] } }, /got 1$/],
    [
      'ids in another order',
      { model: { ...model, vocab: swapped } },
      /expected 512 as the id of "lu", got 513/,
    ],
    ['an id too few', { model: { ...model, vocab: fewer } }, /expected 49408 ids, got 49407/],
    ['no ids', { model: { ...model, vocab: [] } }, /got 0/],
  ])('refuses a tokenizer.json with %s', (_, json, message) => {
    expect(() => ClipTokenizer.fromTokenizerJson(json)).toThrow(invalid(message));
  });

  it('refuses damaged, too large and non-text bytes', async () => {
    const packed = await gzip(utf8Bytes(text));
    const refusal = async (bytes: Uint8Array, message: RegExp): Promise<void> => {
      await expect(ClipTokenizer.fromBytes(bytes)).rejects.toThrow(invalid(message));
    };
    await refusal(packed.slice(0, packed.length / 2), /damaged or truncated/);
    await refusal(packed.slice(0, 5), /damaged or truncated/);
    const flipped = packed.slice();
    flipped[packed.length >> 1]! ^= 0xff;
    await refusal(flipped, /damaged|UTF-8|line|exists/);
    await refusal(await gzip(new Uint8Array(64 * 2 ** 20)), /at most 16777216 bytes unpacked/);
    await refusal(new Uint8Array(16 * 2 ** 20 + 1), /at most 16777216 bytes, got more/);
    await refusal(Uint8Array.of(0x50, 0x4b, 0xff, 0xfe), /UTF-8/);
    await refusal(utf8Bytes('{"model": '), /begins like JSON/);
    await refusal(new Uint8Array(0), /line 1/);
  });
});
