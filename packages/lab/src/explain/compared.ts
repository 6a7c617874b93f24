/** What several runs say of the same images. */
import type { WarningCounts } from '@reclmis/core';
import type { CaseGroup } from '../report/index.js';
import type { About } from './case-report.js';
import type { ZonesSummary } from './folder-report.js';
import type { CamZones } from './zones.js';

/** A run as one of several. */
export interface ComparedRun {
  /** As short as tells it from the others. */
  readonly name: string;
  /** The model's, in the literature. */
  readonly title: string;
  readonly layer: string;
  /** Why no note changes its masks; null if it reads notes. */
  readonly unread: string | null;
  readonly about: About;
  /** Grad-CAM by the zones of the notes; null if there is nothing to measure. */
  readonly zones: ZonesSummary | null;
  /** Mean over the images whose true mask is known; null without one. */
  readonly dice: number | null;
  readonly warnings: WarningCounts;
}

/** A model's answer on an image. */
export interface ComparedResult {
  /** Predicted foreground's share of the image. */
  readonly share: number;
  /** At the image's own size; null where the true mask is not known. */
  readonly dice: number | null;
  /** By the zones of the image's note, also of a model that reads no note. */
  readonly zones: CamZones | null;
  /** Why there is no Grad-CAM; null where there is. */
  readonly missing: string | null;
}

export interface ComparedCase {
  readonly id: string;
  readonly note: string;
  /** In the order of the runs; empty if the image failed. */
  readonly results: readonly ComparedResult[];
  readonly error?: { readonly code: string; readonly message: string };
  /** The image's pictures and each model's; empty without pictures. */
  readonly groups: readonly CaseGroup[];
}
