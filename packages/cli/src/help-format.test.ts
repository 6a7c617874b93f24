/** Help in 80 columns, and no colours. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from './commands.js';
import { commandTree } from './completion/tree.js';
import { fitHelp } from './help-format.js';
import { BIN, reclmisHere } from './testing/reclmis.js';

const reclmis = reclmisHere(tmpdir());

describe('help', () => {
  it('of every command has no line over 80 columns', async () => {
    const tree = await commandTree(COMMANDS);
    expect(tree.length).toBeGreaterThan(35);
    const long: string[] = [];
    for (const { path } of tree) {
      const { status, stdout } = await reclmis(...path.split(' ').slice(1), '--help');
      expect(status, path).toBe(0);
      long.push(...stdout.split('\n').flatMap((line) => ([...line].length > 80 ? [`${path}: ${line}`] : [])));
    }
    expect(long).toEqual([]);
  });

  it('keeps every word of a description, and names of options whole', async () => {
    const { stdout } = await reclmis('train', '--help');
    expect(stdout).toContain('\n  --model.deepSupervision <true|false>\n');
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      'coarser maps of the decoder learn the mask too (reclmis, unet, lvit, uctransnet) (default: false)',
    );
  });
});

describe('fitHelp', () => {
  it.each([
    ['short lines stay', 'short lines stay'],
    ['three words here and more', 'three words here and\nmore'],
    ['  $ reclmis a --image x --out y', '  $ reclmis a \\\n      --image x \\\n      --out y'],
    ['  $ reclmis a b      # so and so', '  # so and so\n  $ reclmis a b'],
    ['      --note "a b c d" --out y \\', '      --note "a b c d" \\\n      --out y \\'],
  ])('%j', (text, expected) => {
    expect(fitHelp(text, 22)).toBe(expected);
  });

  it('breaks a command so that a shell reads the same words', () => {
    const command = 'printf "%s|" --image "scans and more/*.png" --notes notes.csv --spacing 0.143 -o masks';
    const run = (text: string): string => spawnSync('sh', ['-c', text], { encoding: 'utf8' }).stdout;
    const broken = fitHelp(`  $ ${command}`, 40).replace('  $ ', '');
    expect(broken).toContain(' \\\n');
    expect(run(broken)).toBe(run(command));
  });
});

describe('colours', () => {
  const ESCAPE = '\u001b[';

  it('are not in any output, whatever the environment asks for', () => {
    for (const env of [
      { FORCE_COLOR: '3' },
      { NO_COLOR: '1' },
      { NO_COLOR: '', FORCE_COLOR: '1', CLICOLOR_FORCE: '1' },
    ])
      for (const args of [['--help'], ['train', '--help'], ['trian'], ['runs', 'nowhere']]) {
        const { stdout, stderr } = spawnSync(process.execPath, [BIN, ...args], {
          encoding: 'utf8',
          env: { PATH: process.env['PATH'], ...env },
        });
        expect(stdout + stderr).not.toBe('');
        expect(stdout + stderr).not.toContain(ESCAPE);
      }
  });

  it('are asked for by no source: the text is the same everywhere', () => {
    const packages = fileURLToPath(new URL('../../', import.meta.url));
    const users = readdirSync(packages, { recursive: true, encoding: 'utf8' }).filter(
      (name) =>
        /^[^/\\]+[/\\]src[/\\].*\.ts$/.test(name) &&
        !/\.test\.ts$/.test(name) &&
        /styleText|\\u001b\[|\\x1b\[|from '(?:chalk|picocolors|kleur|ansi-colors)'/.test(
          readFileSync(join(packages, name), 'utf8'),
        ),
    );
    expect(users).toEqual([]);
  });
});
