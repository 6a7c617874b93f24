/** Reports in fields: "Side: left. Lobe: upper. Finding: consolidation." */
import { differ } from './alternatives.js';
import type { Head, StatedCount } from './heads.js';
import { countsOf } from './describe.js';
import { has, type Item } from './items.js';
import { isItem, type Node } from './nodes.js';
import type { PlaceGroup } from './place-group.js';

const LONGEST_NAME = 3;

/** Whether a sentence is a name without a finding or place, a colon, and a value. */
export function isField(nodes: readonly Node[]): boolean {
  const colon = nodes.findIndex((node) => isItem(node, 'colon'));
  const name = nodes.slice(0, Math.max(colon, 0));
  return (
    name.length > 0 &&
    name.length <= LONGEST_NAME &&
    name.every((node) => node.kind === 'item' && !has(node.item, 'finding', 'foreign', 'landmark', 'clear'))
  );
}

/** A field's place, marked if another field of the same finding names a place elsewhere. */
export function checkedField(group: PlaceGroup, others: readonly PlaceGroup[]): PlaceGroup {
  const elsewhere = others.some((other) => differ(group, other) || differ(other, group));
  return elsewhere ? { ...group, contradicts: true } : group;
}

/** "Uncertain: no." */
function isDenied(nodes: readonly Node[]): boolean {
  const colon = nodes.findIndex((node) => isItem(node, 'colon'));
  return nodes.slice(colon).some((node) => isItem(node, 'not', 'gone'));
}

/** Number, extent and doubt that stand in sentences of their own. */
export class Amounts {
  private counts: StatedCount[] = [];
  private extents: Item[] = [];
  private uncertain: Item | null = null;

  add(nodes: readonly Node[], field: boolean): void {
    this.counts.push(...countsOf(nodes));
    for (const node of nodes) {
      if (node.kind === 'group') continue;
      if (has(node.item, 'extent')) this.extents.push(node.item);
      if (field && has(node.item, 'maybe') && !isDenied(nodes)) this.uncertain ??= node.item;
    }
  }

  /** Gives everything to a finding. */
  giveTo(head: Head): void {
    head.counts.push(...this.counts.splice(0));
    head.extents.push(...this.extents.splice(0));
    head.uncertain ??= this.uncertain;
    this.uncertain = null;
  }
}
