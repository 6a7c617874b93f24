/** What a key does: a line of the help. */
import type { Studio } from './state/state.js';
import type { StringName } from './strings.js';
import type { Services } from './studio.js';

export interface KeyEntry {
  readonly group: 'cases' | 'note' | 'view' | 'edit' | 'compare';
  /** As `keyOf` names it: "w", "Shift+C", "Mod+z". */
  readonly keys: readonly string[];
  /** As the help shows it; without: the keys. */
  readonly shown?: string;
  readonly name: StringName;
  /** When it works; without: always. */
  readonly when?: (state: Studio) => boolean;
  /** Whether there is such a key at all; without: yes. */
  readonly offered?: (state: Studio) => boolean;
  readonly run: (services: Services, key: string) => void;
}
