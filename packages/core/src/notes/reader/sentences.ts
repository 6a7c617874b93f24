/**
 * The sentences of a model's training notes, as templates that read notes are written into:
 *
 *   "{Count} (polyp/polyps)[, {places}]."
 *
 * `{field}` is what was read, capitalised as the field's name is. `(a/b)` is for one and for several. What is
 * in `[...]` is left out if a field in it was not read; without brackets nothing can be written then.
 */
import { z } from 'zod';

/** LViT's sentence, which core writes itself (`formatNote`). */
export const LVIT_SENTENCES = 'lvit';

const LONGEST = 500;
const MOST = 20;

const template = () => z.string().min(1).max(LONGEST);

export const WORDS = ['left', 'right', 'upper', 'middle', 'lower', 'all', 'unilateral', 'bilateral'] as const;
export type PlaceWord = (typeof WORDS)[number];

export const sentencesSchema = () =>
  z.strictObject({
    /** One sentence for all that a note says. */
    note: template().nullable().default(null),
    /** Or one for each finding; of several the first that says all about its place. */
    findings: z.record(z.string(), z.union([template(), z.array(template()).min(1).max(MOST)])).default({}),
    /** A place; `{zones}` joins the heights of a side, `{zone}` makes a place of each. */
    place: template().default('[{zone} ][{side}]'),
    /** Between places or findings, and before the last. */
    list: z.tuple([z.string(), z.string()]).default([', ', ' and ']),
    /** Other words for sides and heights, and for numbers ("2": "zwei"); an empty one is left out. */
    words: z.record(z.string(), z.string().max(LONGEST)).default({}),
  });

/** Templates, with defaults filled in. */
export type Sentences = z.output<ReturnType<typeof sentencesSchema>>;

export const NOTE_FIELDS = ['count', 'number', 'finding', 'laterality', 'places'] as const;
export const FINDING_FIELDS = ['count', 'number', 'finding', 'place', 'places'] as const;
export const PLACE_FIELDS = ['zone', 'zones', 'side'] as const;
export type Field =
  (typeof NOTE_FIELDS)[number] | (typeof FINDING_FIELDS)[number] | (typeof PLACE_FIELDS)[number];

type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'field'; readonly name: Field; readonly capital: boolean }
  | { readonly kind: 'forms'; readonly one: string; readonly several: string }
  | { readonly kind: 'optional'; readonly parts: readonly Part[] };

export type Template = readonly Part[];

/** What is wrong with a template: for `@throws` of its readers. */
export class TemplateError extends Error {}

/** @param fields those that may occur. @throws TemplateError */
export function parseTemplate(text: string, fields: readonly Field[]): Template {
  const parts: Part[] = [];
  let inside: Part[] | null = null;
  for (const [token] of text.matchAll(/\{[^{}]*\}|\([^()]*\/[^()]*\)|[[\]]|[^[\]{}(]+|./gu)) {
    if (token === '[') {
      if (inside !== null) throw new TemplateError('"[" within "[...]"');
      inside = [];
    } else if (token === ']') {
      if (inside === null) throw new TemplateError('"]" without "["');
      parts.push({ kind: 'optional', parts: inside });
      inside = null;
    } else (inside ?? parts).push(partOf(token, fields));
  }
  if (inside !== null) throw new TemplateError('"[" without "]"');
  return parts;
}

function partOf(token: string, fields: readonly Field[]): Part {
  if (token === '{' || token === '}') throw new TemplateError(`"${token}" without its other half`);
  if (token.startsWith('{')) {
    const name = token.slice(1, -1).trim();
    const found = fields.find((one) => one === name.toLowerCase());
    if (found === undefined)
      throw new TemplateError(`expected one of {${fields.join('}, {')}}, got ${token}`);
    return { kind: 'field', name: found, capital: name !== name.toLowerCase() };
  }
  if (token.startsWith('(') && token.length > 1) {
    const [one = '', ...several] = token.slice(1, -1).split('/');
    return { kind: 'forms', one, several: several.join('/') };
  }
  return { kind: 'text', text: token };
}

/** Whether a template has a field, in brackets or not. */
export function mentions(template: Template, ...names: readonly Field[]): boolean {
  return template.some(
    (part) =>
      (part.kind === 'field' && names.includes(part.name)) ||
      (part.kind === 'optional' && mentions(part.parts, ...names)),
  );
}

export type Values = Readonly<Partial<Record<Field, string>>>;

/** A template filled in; null if a field outside brackets has no value. @param one for `(a/b)` */
export function fill(template: Template, values: Values, one: boolean): string | null {
  const text = filled(template, values, one);
  return text === null ? null : text.replace(/\s+/gu, ' ').trim();
}

function filled(template: Template, values: Values, one: boolean): string | null {
  let text = '';
  for (const part of template) {
    if (part.kind === 'text') text += part.text;
    else if (part.kind === 'forms') text += one ? part.one : part.several;
    else if (part.kind === 'optional') text += filled(part.parts, values, one) ?? '';
    else {
      const value = values[part.name] ?? '';
      if (value === '') return null;
      text += part.capital ? value.charAt(0).toUpperCase() + value.slice(1) : value;
    }
  }
  return text;
}
