/** A sentence's findings with their places, polarity, number, extent and doubt. */
import { markAlternatives } from './alternatives.js';
import { attach, share, shareTopic } from './attach.js';
import { describe, markIdle } from './describe.js';
import { type Head, headsOf, negate, type Sentence } from './heads.js';
import { has, type Item } from './items.js';
import { nodesOf } from './nodes.js';
import type { SideMemory } from './places.js';

/** "but" directly after "not" ("nicht jedoch rechts") ends no negation. */
function isAside(items: readonly Item[], at: number): boolean {
  return has(items[at], 'but') && has(items[at - 1], 'not');
}

/** Heads of a sentence with everything attached. `before` is the last finding of earlier sentences. */
export function readSentence(
  items: readonly Item[],
  memory: SideMemory,
  options: {
    readonly paired: boolean;
    readonly after: boolean;
    readonly topics: boolean;
    readonly before: Head | null;
  },
): Sentence {
  const nodes = markAlternatives(
    nodesOf(
      items.filter((_, i) => !isAside(items, i)),
      memory,
      options.paired,
    ),
  );
  const heads = headsOf(nodes);
  negate(nodes, heads);
  const loose = attach(nodes, heads, options.after, options.before);
  share(nodes, heads);
  shareTopic(nodes, heads, options.topics);
  describe(nodes, heads);
  markIdle(nodes, heads);
  return { nodes, heads: heads.sort((a, b) => a.at - b.at), loose };
}
