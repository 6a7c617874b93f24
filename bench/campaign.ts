/**
 * Runs everything that a page of measurements needs, in one command that can be stopped and repeated: the
 * studies of a campaign file, each run scored in both forms, with flips where asked, with intervals.
 *
 *     npm run bench:campaign -- --data DIR -o DIR [--campaign qata-cov19] [--minutes 240] [--seeds 1,2,3] [--width 16] [--set train.epochs=10 ...] [--list]
 *     npm run bench:campaign -- --phantoms -o DIR
 *
 * Finished work is never repeated; after Ctrl-C or `kill -9` the same command continues. `--minutes` stops
 * before a step that cannot finish, and in it if it takes longer than expected. A step that fails does not
 * stop the others. DIR/figures holds the tables (campaign.md, campaign.json, a folder per study).
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ReclmisError, toReclmisError } from '@reclmis/core';
import { withFolderLock, writeFileAtomic } from '@reclmis/files';
import { writePhantom } from '@reclmis/data';
import {
  type Config,
  evaluateRun,
  readScore,
  runStudy,
  viewTask,
  writeScore,
  writeStudyReport,
} from '@reclmis/lab';
import {
  type Campaign,
  campaignSteps,
  findCampaign,
  loadCampaign,
  placesOf,
  type Settings,
  type Step,
} from './campaign/campaign-file.js';
import { Costs } from './campaign/costs.js';
import { Journal, type TestTime } from './campaign/journal.js';
import { campaignPage, leftText } from './campaign/page.js';
import { ablationResult, campaignResult, type Failure, type Left } from './campaign/results.js';

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    out: { type: 'string', short: 'o' },
    campaign: { type: 'string' },
    minutes: { type: 'string' },
    seeds: { type: 'string' },
    width: { type: 'string' },
    set: { type: 'string', multiple: true, default: [] },
    phantoms: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});

const stop = new AbortController();

/** @throws OPTION_INVALID */
function wholeNumbers(flag: string, text: string): number[] {
  const numbers = text.split(',').map((part) => (/^\d{1,10}$/.test(part.trim()) ? Number(part) : Number.NaN));
  if (numbers.every((number) => number < 2 ** 31) && new Set(numbers).size === numbers.length) return numbers;
  throw new ReclmisError('OPTION_INVALID', `${flag}: expected different whole numbers, got "${text}"`);
}

/** @throws OPTION_INVALID */
function settingsGiven(): Settings {
  const given = values.set.map((text): [string, Settings[string]] => {
    const [, path, value] = /^([\w.]+)=(.*)$/.exec(text) ?? [];
    if (path === undefined || value === undefined)
      throw new ReclmisError('OPTION_INVALID', `--set: expected SETTING=VALUE, got "${text}"`);
    const read: unknown = /^(?:true|false|-?\d+(?:\.\d+)?(?:e-?\d+)?)$/i.test(value)
      ? JSON.parse(value)
      : value;
    return [path, read as Settings[string]];
  });
  const [width] = values.width === undefined ? [] : wholeNumbers('--width', values.width);
  return { ...Object.fromEntries(given), ...(width === undefined ? {} : { 'model.baseWidth': width }) };
}

/** The campaign on its data: as given, or phantoms in the campaign's folder. */
async function openCampaign(out: string): Promise<Campaign> {
  const { data, phantoms } = values;
  if ((data === undefined) !== phantoms)
    throw new ReclmisError('OPTION_INVALID', 'expected either --data DIR or --phantoms');
  const file = findCampaign(values.campaign ?? (phantoms ? 'phantom' : 'qata-cov19'));
  const seeds = values.seeds === undefined ? {} : { seeds: wholeNumbers('--seeds', values.seeds) };
  const set = settingsGiven();
  if (data !== undefined) return loadCampaign(file, { ...seeds, set: { ...set, 'data.dir': resolve(data) } });
  const draft = loadCampaign(file, { ...seeds, set });
  const { phantom } = draft;
  const size = draft.studies[0]?.study.cells[0]?.config.model.imageSize;
  if (phantom === null || size === undefined)
    throw new ReclmisError('OPTION_INVALID', `--phantoms: ${file} says nothing of phantoms`, {
      remedy: 'Use --campaign phantom, give --data DIR, or add phantom: { count: 100 } to the file.',
    });
  const dir = join(out, 'data', `phantom-${phantom.count}-of-${size}-seed-${phantom.seed}`);
  if (!existsSync(dir)) await writePhantom(dir, { ...phantom, size, signal: stop.signal });
  return loadCampaign(file, { ...seeds, set: { ...set, 'data.dir': resolve(dir) } });
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

function isDone({ kind, task }: Step): boolean {
  const { state, info } = viewTask(task);
  if (kind === 'run') return state === 'done';
  return state === 'done' && info !== null && readScore(task.dir, info, true) !== null;
}

/** Only a finished training is tested with flips. */
const canBegin = ({ kind, task }: Step): boolean => kind === 'run' || viewTask(task).state === 'done';

/** @returns whether it is done; else it was stopped @throws any error of training or evaluation */
async function work(step: Step, journal: Journal): Promise<boolean> {
  return step.kind === 'run' ? trainAndTest(step, journal) : testWithFlips(step, journal);
}

async function trainAndTest({ id, task }: Step, journal: Journal): Promise<boolean> {
  let testFrom = performance.now();
  const times: TestTime[] = [];
  const errors: ReclmisError[] = [];
  const { interrupted, unfinished } = await runStudy([task], {
    signal: stop.signal,
    onNotice: say,
    onEpoch: ({ epoch, losses, validation }) => {
      testFrom = performance.now();
      say(
        `  epoch ${epoch} of ${task.config.train.epochs}: loss ${losses.total.toFixed(3)}, validation Dice ${(100 * validation.dice).toFixed(2)}`,
      );
    },
    onScore: (_, { images }) => {
      times.push({ seconds: (performance.now() - testFrom) / 1000, images });
    },
    onFailure: (_, error) => errors.push(error),
  });
  const [error] = errors;
  if (error) throw error;
  if (unfinished.length > 0)
    throw new ReclmisError('STUDY_INCOMPLETE', `${id}: ended by train.maxMinutes before its last epoch`);
  for (const time of times) await journal.keep(id, time);
  return !interrupted;
}

async function testWithFlips({ id, task }: Step, journal: Journal): Promise<boolean> {
  const from = performance.now();
  const { data, device, train }: Config = task.config;
  const evaluation = await evaluateRun(task.dir, {
    dataDir: data.dir,
    split: 'test',
    flips: true,
    device,
    threads: train.threads,
    signal: stop.signal,
  });
  if (stop.signal.aborted) return false;
  await writeScore(task, evaluation);
  const { count } = evaluation.summary;
  await journal.keep(id, { seconds: (performance.now() - from) / 1000, images: count });
  return true;
}

interface Ended {
  readonly left: readonly Left[];
  readonly failures: readonly Failure[];
}

async function runSteps(steps: readonly Step[], journal: Journal, deadline: number | null): Promise<Ended> {
  const costs = new Costs(steps, journal);
  const failures: Failure[] = [];
  const whatIsLeft = async (): Promise<Left[]> => {
    const failed = new Set(failures.map(({ id }) => id));
    const left: Left[] = [];
    for (const step of steps) {
      if (failed.has(step.id) || isDone(step)) continue;
      const estimates = deadline !== null && stop.signal.reason !== 'signal';
      left.push({ id: step.id, seconds: estimates ? await costs.secondsOf(step) : null });
    }
    return left;
  };
  for (const [index, step] of steps.entries()) {
    if (isDone(step) || !canBegin(step)) continue;
    try {
      if (deadline !== null) {
        const seconds = await costs.secondsOf(step);
        if (performance.now() + 1000 * seconds > deadline) {
          say(`${step.id} needs about ${(seconds / 60).toFixed(1)} minutes, more than are left`);
          return { left: await whatIsLeft(), failures };
        }
      }
      if (stop.signal.aborted) return { left: await whatIsLeft(), failures };
      say(`[${index + 1}/${steps.length}] ${step.id}`);
      if (!(await work(step, journal))) return { left: await whatIsLeft(), failures };
    } catch (thrown) {
      if (stop.signal.aborted) return { left: await whatIsLeft(), failures };
      const { code, message } = toReclmisError(thrown);
      failures.push({ id: step.id, code, message });
      say(`${step.id}: ${code}: ${message}`);
    }
    await journal.keep();
  }
  return { left: await whatIsLeft(), failures };
}

async function writeFigures(
  campaign: Campaign,
  out: string,
  journal: Journal,
  ended: Ended,
  steps: readonly Step[],
): Promise<void> {
  const place = placesOf(campaign.studies, out);
  for (const one of campaign.studies)
    await writeStudyReport(join(out, 'figures', one.study.name), ablationResult(one, out, place));
  const result = campaignResult(campaign, out, journal, ended, steps);
  await writeFileAtomic(join(out, 'figures', 'campaign.json'), `${JSON.stringify(result, null, 2)}\n`);
  await writeFileAtomic(join(out, 'figures', 'campaign.md'), campaignPage(result));
}

async function main(): Promise<void> {
  const { out, minutes } = values;
  if (out === undefined) throw new ReclmisError('OPTION_INVALID', 'no folder: expected -o DIR');
  const limit = minutes === undefined ? null : Number(minutes);
  if (limit !== null && !(limit > 0))
    throw new ReclmisError('OPTION_INVALID', `--minutes: expected a number above 0, got "${minutes}"`);
  const deadline = limit === null ? null : performance.now() + 60_000 * limit;
  const campaign = await openCampaign(out);
  const steps = campaignSteps(campaign, out);
  if (values.list) {
    for (const step of steps) process.stdout.write(`${isDone(step) ? 'done' : 'left'}  ${step.id}\n`);
    return;
  }
  const done = steps.filter(isDone).length; // also refuses runs with other settings
  say(`${steps.length} steps, ${done} done`);
  await withFolderLock(out, { signal: stop.signal }, async () => {
    const journal = Journal.open(out, process.argv.slice(2));
    const timer = limit === null ? null : setTimeout(() => stop.abort('limit'), 60_000 * limit);
    const ended = await runSteps(steps, journal, deadline);
    if (timer !== null) clearTimeout(timer);
    await journal.keep();
    await writeFigures(campaign, out, journal, ended, steps);
    say(`\nFigures: ${join(out, 'figures', 'campaign.md')}`);
    if (ended.left.length > 0) say(`Left (run the same command again to continue):\n${leftText(ended)}`);
    if (stop.signal.reason === 'signal')
      throw new ReclmisError('INTERRUPTED', `${out}: stopped; what was computed is saved`, {
        remedy: 'Run the same command again to continue.',
      });
    if (ended.failures.length > 0)
      throw new ReclmisError(
        'STUDY_INCOMPLETE',
        `${ended.failures.length} steps failed: ${ended.failures.map(({ id }) => id).join(', ')}`,
      );
  });
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort('signal'));
try {
  await main();
} catch (thrown) {
  const error = toReclmisError(thrown);
  say(`error ${error.code}: ${error.message}\n${error.remedy}`);
  process.exitCode = error.exitCode;
}
