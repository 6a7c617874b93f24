/** Copies the table that is shown. */
import { areaOf, compareMasks } from './stage/compare-masks.js';
import { differenceTable, modelsTable, tableOf, tableText } from './state/table.js';
import type { Services } from './studio.js';

export function copyMeasures({ store, rasters }: Services): void {
  const { picture, result, compare } = store.state;
  const { compared, mask } = rasters;
  if (picture === null || result === null) return;
  if (compare === null || compared === null || mask === null) {
    copyText(tableText(tableOf(result, picture)));
    return;
  }
  if (compare.models) {
    const { kept, gained, lost } = compareMasks(mask, compared);
    const parts = { both: areaOf(kept), onlyA: areaOf(lost), onlyB: areaOf(gained) };
    copyText(tableText(modelsTable(parts, picture)));
    return;
  }
  const { kept, gained, lost } = compareMasks(compared, mask);
  const areas = { kept: areaOf(kept), gained: areaOf(gained), lost: areaOf(lost) };
  copyText(tableText(differenceTable(areas, picture)));
}

export function copyText(text: string): void {
  navigator.clipboard.writeText(text).catch(() => {
    // A page without permission, or not in front: the button's word stays "Copy".
  });
}
