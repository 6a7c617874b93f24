/**
 * A campaign is a YAML file: studies of `reclmis ablate` in the order in which they are worth their time, with
 * settings that all share. Runs that several studies name are trained once.
 */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import {
  type Config,
  explainValue,
  findStudy,
  loadStudy,
  PRESETS_FOLDER,
  readYaml,
  type Study,
  studyTasks,
  type Task,
} from '@reclmis/lab';
import { z } from 'zod';

const settings = z.record(z.string(), z.union([z.number(), z.boolean(), z.string()]));
const seed = z
  .number()
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const seeds = z
  .array(seed)
  .min(1)
  .refine((all) => new Set(all).size === all.length, 'different seeds');

const campaignSchema = z.strictObject({
  title: z.string().min(1),
  seeds: seeds.default([1, 2, 3]),
  /** Drawn if no data set is given. */
  phantom: z.strictObject({ count: z.number().int().min(3), seed: seed.default(1) }).optional(),
  /** By dotted path; over the studies' own base, under their cells. */
  set: settings.default({}),
  studies: z
    .array(
      z.strictObject({
        /** A name of configs/ablation/, or a file next to this one. */
        study: z.string().min(1),
        /** Default: all. */
        cells: z.array(z.string()).min(1).optional(),
        /** Default: the campaign's. */
        seeds: seeds.optional(),
        /** Score also the mean with the mirrored image and note. */
        flips: z.boolean().default(false),
        /** Over the campaign's. */
        set: settings.default({}),
      }),
    )
    .min(1),
});

export type Settings = z.infer<typeof settings>;

export interface CampaignStudy {
  /** With the chosen cells only. */
  readonly study: Study;
  readonly seeds: readonly number[];
  readonly flips: boolean;
}

export interface Campaign {
  readonly title: string;
  readonly phantom: { readonly count: number; readonly seed: number } | null;
  readonly studies: readonly CampaignStudy[];
}

/** One thing to do, in the order of doing. */
export interface Step {
  /** `STUDY/CELL/seed-N`, with `-flips`. */
  readonly id: string;
  /** `run`: train and score on the test split; `flips`: score with flips. */
  readonly kind: 'run' | 'flips';
  readonly task: Task;
}

/** @param asked a name of configs/campaign/, or a path */
export function findCampaign(asked: string): string {
  const named = join(PRESETS_FOLDER, 'campaign', `${asked}.yaml`);
  const file = existsSync(named) ? named : asked;
  if (existsSync(file)) return file;
  throw new ReclmisError('CONFIG_UNREADABLE', `${asked}: expected a campaign's YAML file, found none`);
}

/**
 * @param file of `findCampaign` @param given win over the file: `--seeds`, `--width`, `--set`, the data folder
 * @throws CONFIG_UNREADABLE, CONFIG_INVALID, CONFIG_UNKNOWN_KEY, OPTION_INVALID for unknown cells
 */
export function loadCampaign(
  file: string,
  given: { readonly seeds?: readonly number[]; readonly set: Settings },
): Campaign {
  const tree = readYaml(file);
  const parsed = campaignSchema.safeParse(tree);
  if (!parsed.success) {
    const unknown = parsed.error.issues.find((issue) => issue.code === 'unrecognized_keys');
    if (!unknown) throw explainValue(parsed.error, tree, file);
    throw new ReclmisError('CONFIG_UNKNOWN_KEY', `${file}: unknown key ${unknown.keys.join(', ')}`, {
      remedy:
        'Correct the spelling or remove the key; packages/lab/configs/campaign/ holds complete examples.',
    });
  }
  const { title, phantom = null, set, studies, seeds: shared } = parsed.data;
  const names = new Set<string>();
  return {
    title,
    phantom,
    studies: studies.map((one) => {
      const beside = resolve(dirname(file), one.study);
      const whole = loadStudy(existsSync(beside) ? beside : findStudy(one.study), {
        ...set,
        ...one.set,
        ...given.set,
      });
      if (names.has(whole.name))
        throw new ReclmisError(
          'CONFIG_INVALID',
          `${file}: studies: expected each study once, got ${whole.name} twice`,
        );
      names.add(whole.name);
      const study = withCells(whole, one.cells);
      return { study, seeds: given.seeds ?? one.seeds ?? shared, flips: one.flips };
    }),
  };
}

function withCells(study: Study, names: readonly string[] | undefined): Study {
  if (names === undefined) return study;
  studyTasks(study, '', { cells: names }); // refuses unknown ones
  const cells = study.cells.filter(({ name }) => names.includes(name));
  return { ...study, cells, best: cells.some(({ name }) => name === study.best) ? study.best : null };
}

/** All steps, seed by seed within a study; each configuration and seed once, where it first occurs. */
export function campaignSteps({ studies }: Campaign, out: string): Step[] {
  const place = placesOf(studies, out);
  const flipped = new Set<string>();
  for (const one of studies) if (one.flips) for (const { dir } of tasksOf(one, out, place)) flipped.add(dir);
  const seen = new Set<string>();
  return studies.flatMap((one) =>
    tasksOf(one, out, place).flatMap((task): Step[] => {
      if (seen.has(task.dir)) return [];
      seen.add(task.dir);
      const id = `${one.study.name}/${task.cell.name}/seed-${task.seed}`;
      const run: Step = { id, kind: 'run', task };
      return flipped.has(task.dir) ? [run, { id: `${id}-flips`, kind: 'flips', task }] : [run];
    }),
  );
}

/** A study's runs, those of other studies included. */
export function tasksOf(
  { study, seeds: all }: CampaignStudy,
  out: string,
  place: (config: Config, usual: string) => string,
): Task[] {
  return all.flatMap((one) => studyTasks(study, studyFolder(out, study), { seeds: [one], place }));
}

export const studyFolder = (out: string, { name }: Study): string => join(out, 'studies', name);

/** Where a configuration's run lies: in the first study that has it. */
export function placesOf(
  studies: readonly CampaignStudy[],
  out: string,
): (config: Config, usual: string) => string {
  const places = new Map<string, string>();
  const place = (config: Config, usual: string): string => {
    const key = JSON.stringify(config);
    const known = places.get(key);
    if (known !== undefined) return known;
    places.set(key, usual);
    return usual;
  };
  for (const one of studies) tasksOf(one, out, place); // in the order of doing
  return place;
}
