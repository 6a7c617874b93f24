/**
 * Documentation: links work, commands exist with their options, guides are short. `guides.test.ts` runs some
 * of the commands.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { COMMANDS } from 'reclmis';
import { Command, CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { anchorsOf, commandsOf, pagesBelow, readPage, relativeLinks, ROOT } from './markdown.js';

const GUIDES = pagesBelow('docs/guide');
const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'deploy/README.md',
  'golden/README.md',
  ...pagesBelow('docs'),
];

describe('links', () => {
  it.each(PAGES)('of %s lead to files and headings', (path) => {
    const page = readPage(path);
    const broken = relativeLinks(page).filter((link) => {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : normalize(join(dirname(path), file));
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && target.endsWith('.md') && !anchorsOf(readPage(target)).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  it('reach every page from the index', () => {
    const index = relativeLinks(readPage('docs/README.md')).map((link) => `docs/${link.split('#')[0] ?? ''}`);
    expect(pagesBelow('docs').filter((path) => path !== 'docs/README.md' && !index.includes(path))).toEqual(
      [],
    );
  });
});

describe('commands', () => {
  const checked = ['README.md', ...GUIDES, ...pagesBelow('docs/reference')];
  const commands = checked.flatMap((path) =>
    commandsOf(readPage(path), 'reclmis').map((words) => [path, words.slice(1)] as const),
  );

  it('are many, and none hides in an indented block', () => {
    expect(commands.length).toBeGreaterThan(80);
    const indented = checked.filter((path) =>
      readPage(path).prose.some((line) => /^ {4}(?:npx )?reclmis /.test(line)),
    );
    expect(indented).toEqual([]);
  });

  it.each(commands.map(([path, words]) => [`reclmis ${words.join(' ')}`, path, words] as const))(
    '%s (%s) has a subcommand and options that exist',
    async (_, __, words) => {
      expect(await parse(words)).toBe('fits');
    },
  );

  it('would be refused with a mistake in them', async () => {
    expect(await parse(['trian'])).toBe('no subcommand trian');
    expect(await parse(['train', '--epoks', '3'])).toContain("unknown option '--epoks'");
    expect(await parse(['evaluate', 'runs/a', '--notes', 'swapped'])).toContain('Allowed choices are right');
    expect(await parse(['export', 'runs/a', 'runs/b', '-o', 'm'])).toContain('too many arguments');
  });

  it('named in the text of any page exist', () => {
    const unknown = PAGES.flatMap((path) =>
      [
        ...readPage(path)
          .prose.join('\n')
          .matchAll(/`(?:npx )?reclmis ([a-z]+)[^`]*`/g),
      ]
        .filter(([, name = '']) => !Object.hasOwn(COMMANDS, name) && name !== 'help')
        .map(([span]) => `${path}: ${span}`),
    );
    expect(unknown).toEqual([]);
  });
});

describe('guides', () => {
  it.each(GUIDES)('%s has fewer than 150 lines', (path) => {
    expect(readPage(path).length).toBeLessThan(150);
  });

  it('tell each version of the changelog on a screen, in short lines', () => {
    const text = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8');
    const [head = '', ...versions] = text.split(/^## /m).map((part) => part.trimEnd().split('\n'));
    expect(head[0]).toBe('# Changelog');
    expect(versions.length).toBeGreaterThan(0);
    for (const [title, ...lines] of versions) {
      expect(title).toMatch(/^\[(?:Unreleased\](?: \d+\.\d+\.\d+)?|\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d)$/);
      const sections = lines.filter((line) => line.startsWith('###'));
      expect(
        sections.filter((line) => !/^### (?:Added|Changed|Deprecated|Removed|Fixed|Security)$/.test(line)),
      ).toEqual([]);
      expect(lines.length, `lines of ${title}`).toBeLessThanOrEqual(70);
      expect(lines.filter((line) => line.length > 160)).toEqual([]);
    }
  });

  it('leave room on the first screens: the README is a screen and a half', () => {
    expect(readPage('README.md').length).toBeLessThan(80);
  });

  it('cite npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Readonly<Record<string, string>>;
    };
    const cited = ['README.md', 'CONTRIBUTING.md', ...GUIDES].flatMap((path) =>
      commandsOf(readPage(path), 'npm').flatMap(([, first = '', second = '']) =>
        first === 'run' ? [second] : first === 'install' ? [] : [first],
      ),
    );
    expect(cited).toContain('demo');
    expect(cited.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });
});

class Reached extends Error {}

/** Parses a command line without running it. @returns `fits` or the complaint */
async function parse(words: readonly string[]): Promise<string> {
  const [name = ''] = words;
  if (name === '--help') return 'fits';
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!entry) return `no subcommand ${name}`;
  const program = new Command('reclmis').hook('preAction', () => {
    throw new Reached();
  });
  (await entry.load()).register(program, COMMANDS);
  const silence = (command: Command): void => {
    command.exitOverride().configureOutput({ writeOut: () => undefined, outputError: () => undefined });
    command.commands.forEach(silence);
  };
  silence(program);
  try {
    await program.parseAsync(words, { from: 'user' });
    return 'nothing would run';
  } catch (error) {
    if (error instanceof Reached) return 'fits';
    if (error instanceof CommanderError && error.code === 'commander.helpDisplayed') return 'fits';
    return String(error);
  }
}
