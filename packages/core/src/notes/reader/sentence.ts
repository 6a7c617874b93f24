/** A sentence's findings with their places, polarity, number, extent and doubt. */
import { markAlternatives } from './alternatives.js';
import { attach } from './attach.js';
import { describe, markIdle } from './describe.js';
import { type Head, headsOf, negate, type Sentence } from './heads.js';
import { has, type Item } from './items.js';
import { nodesOf, withoutDashes, withoutMeasures } from './nodes.js';
import type { SideMemory } from './place-group.js';
import { share, shareTopic } from './share.js';

/** "but" directly after "not" ("nicht jedoch rechts") ends no negation. */
function isAside(items: readonly Item[], at: number): boolean {
  return has(items[at], 'but') && has(items[at - 1], 'not');
}

/** What a vocabulary and a language decide. */
export interface ReadingOptions {
  readonly paired: boolean;
  /** Places are after their findings. */
  readonly after: boolean;
  readonly topics: boolean;
  /** Names of findings that other organs have too. */
  readonly anywhere: readonly string[];
}

/** Heads of a sentence with everything attached. @param before the last finding of earlier sentences */
export function readSentence(
  items: readonly Item[],
  memory: SideMemory,
  before: Head | null,
  { paired, after, topics, anywhere }: ReadingOptions,
): Sentence {
  const known = items.filter((_, i) => !isAside(items, i));
  const nodes = markAlternatives(withoutDashes(withoutMeasures(nodesOf(known, memory, paired))));
  const heads = headsOf(nodes, anywhere, after, before);
  negate(nodes, heads);
  const loose = attach(nodes, heads, after, before);
  share(nodes, heads);
  shareTopic(nodes, heads, topics);
  describe(nodes, heads);
  markIdle(nodes, heads);
  return { nodes, heads: heads.sort((a, b) => a.at - b.at), loose };
}
