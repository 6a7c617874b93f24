/** Reads Markdown pages without rendering them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A fenced block: language and lines. */
export interface Block {
  readonly language: string;
  readonly lines: readonly string[];
}

export interface Page {
  /** From the repository's root. */
  readonly path: string;
  /** Lines outside of fences. */
  readonly prose: readonly string[];
  readonly blocks: readonly Block[];
  readonly length: number;
}

/** @param path from the repository's root */
export function readPage(path: string): Page {
  const lines = readFileSync(join(ROOT, path), 'utf8').trimEnd().split('\n');
  const prose: string[] = [];
  const blocks: { language: string; lines: string[] }[] = [];
  let open = false;
  for (const line of lines) {
    const fence = /^\s*```(\S*)/.exec(line);
    if (fence) {
      open = !open;
      if (open) blocks.push({ language: fence[1] ?? '', lines: [] });
    } else if (open) blocks.at(-1)?.lines.push(line);
    else prose.push(line);
  }
  if (open) throw new Error(`${path}: a fence is not closed`);
  return { path, prose, blocks, length: lines.length };
}

/** From the repository's root, recursively. */
export function pagesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`)
    .sort();
}

/** As GitHub names them. */
export function anchorsOf({ prose }: Page): Set<string> {
  const anchors = new Set<string>();
  for (const line of prose) {
    const heading = /^#+ (.+)$/.exec(line)?.[1];
    if (heading === undefined) continue;
    const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    anchors.add(text.replace(/[^\p{L}\p{N}_\- ]/gu, '').replaceAll(' ', '-'));
  }
  return anchors;
}

/** Targets of links and pictures, without URLs. */
export function relativeLinks({ prose }: Page): string[] {
  return [...prose.join('\n').matchAll(/\]\(([^()\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** Commands in `sh` blocks that begin with one of `names`, in words, without `npx`. */
export function commandsOf({ blocks }: Page, ...names: readonly string[]): string[][] {
  return blocks
    .filter(({ language }) => language === 'sh')
    .flatMap(({ lines }) => lines.join('\n').replace(/\\\n/g, ' ').split('\n'))
    .map((line) => shellWords(line))
    .map((words) => (words[0] === 'npx' ? words.slice(1) : words))
    .filter(([name = '']) => names.includes(name));
}

/** Splits a shell line, handling quotes and comments only. */
function shellWords(line: string): string[] {
  const words: string[] = [];
  for (const [word] of line.matchAll(/#.*|(?:"[^"]*"|'[^']*'|[^\s"'])+/g)) {
    if (word.startsWith('#')) break;
    words.push(
      word.replace(/"([^"]*)"|'([^']*)'/g, (_, double?: string, single?: string) => double ?? single ?? ''),
    );
  }
  return words;
}
