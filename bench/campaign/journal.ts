/** What a campaign remembers besides its runs: sessions, and the time of tests. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { readTextSync, writeFileAtomic } from '@reclmis/files';
import { ReclmisError } from '@reclmis/core';
import { currentVersions, type RunInfo } from '@reclmis/lab';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGib: number;
}

export interface CampaignSession {
  readonly startedAt: string;
  /** So far. */
  readonly seconds: number;
  /** As typed after `npm run bench:campaign --`. */
  readonly command: readonly string[];
  /** Short hash, with a plus if files differ from it; `unknown` outside a clone. */
  readonly commit: string;
  readonly versions: RunInfo['versions'];
  readonly machine: Machine;
}

export interface TestTime {
  readonly seconds: number;
  readonly images: number;
}

interface Kept {
  readonly format: 'reclmis-campaign/1';
  readonly sessions: readonly CampaignSession[];
  /** By step. */
  readonly times: Readonly<Record<string, TestTime>>;
}

export class Journal {
  private readonly startedAt = new Date();

  private constructor(
    private readonly file: string,
    private readonly earlier: readonly CampaignSession[],
    private readonly times: Record<string, TestTime>,
    private readonly command: readonly string[],
  ) {}

  /** @throws RUN_INVALID for a file of something else */
  static open(out: string, command: readonly string[]): Journal {
    const file = join(out, 'journal.json');
    if (!existsSync(file)) return new Journal(file, [], {}, command);
    let kept: Partial<Kept>;
    try {
      kept = JSON.parse(readTextSync(file)) as Partial<Kept>;
    } catch (cause) {
      throw new ReclmisError('RUN_INVALID', `${file}: not JSON`, {
        cause,
        remedy: 'Remove the file: runs and scores stay, only the times of tests are lost.',
      });
    }
    if (kept.format !== 'reclmis-campaign/1' || !kept.sessions || !kept.times)
      throw new ReclmisError('RUN_INVALID', `${file}: expected a campaign's journal, found another format`);
    return new Journal(file, kept.sessions, { ...kept.times }, command);
  }

  timeOf(id: string): TestTime | undefined {
    return this.times[id];
  }

  get sessions(): readonly CampaignSession[] {
    const own: CampaignSession = {
      startedAt: this.startedAt.toISOString(),
      seconds: (Date.now() - this.startedAt.getTime()) / 1000,
      command: this.command,
      commit: commitHere(),
      versions: currentVersions(),
      machine: {
        processor: cpus()[0]?.model ?? 'unknown',
        cores: availableParallelism(),
        memoryGib: Math.round(totalmem() / 2 ** 30),
      },
    };
    return [...this.earlier, own];
  }

  async keep(id?: string, time?: TestTime): Promise<void> {
    if (id !== undefined && time !== undefined) this.times[id] = time;
    const kept: Kept = { format: 'reclmis-campaign/1', sessions: this.sessions, times: this.times };
    await writeFileAtomic(this.file, `${JSON.stringify(kept, null, 2)}\n`);
  }
}

let commit: string | null = null;

function commitHere(): string {
  commit ??= (() => {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8', stdio: 'pipe' }).trim();
    try {
      return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', '-uno') === '' ? '' : '+'}`;
    } catch {
      return 'unknown';
    }
  })();
  return commit;
}
