/** What several runs say of the same images. */
import type { WarningCounts } from '@reclmis/core';
import type { CaseGroup } from '@reclmis/data';
import type { About } from './case-report.js';
import type { ZonesSummary } from './folder-report.js';
import type { CamZones } from './zones.js';

export interface ComparedRun {
  /** As short as tells it from the others. */
  readonly name: string;
  /** The model's, in the literature. */
  readonly title: string;
  readonly layer: string;
  /** Why no note changes its masks, or null. */
  readonly unread: string | null;
  readonly about: About;
  /** Grad-CAM by the notes' zones, or null. */
  readonly zones: ZonesSummary | null;
  /** Mean over images with known true masks, or null. */
  readonly dice: number | null;
  readonly warnings: WarningCounts;
}

export interface ComparedResult {
  /** Predicted foreground's share of the image. */
  readonly share: number;
  /** At the image's own size; null without a true mask. */
  readonly dice: number | null;
  /** By the zones of the image's note, even if the model reads none. */
  readonly zones: CamZones | null;
  /** Why there is no Grad-CAM, or null. */
  readonly missing: string | null;
}

export interface ComparedCase {
  readonly id: string;
  readonly note: string;
  /** In the runs' order; empty if the image failed. */
  readonly results: readonly ComparedResult[];
  readonly error?: { readonly code: string; readonly message: string };
  /** Pictures of the image and each model, if any. */
  readonly groups: readonly CaseGroup[];
}
