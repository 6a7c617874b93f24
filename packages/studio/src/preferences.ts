/** What the browser remembers between visits: theme, keys, and that the hints were seen. No image, no note. */
import type { Store } from './state/store.js';
import type { Studio } from './state/state.js';

const NAME = 'reclmis-studio';

type Preferences = Pick<Studio, 'theme' | 'keys'> & { readonly seen: boolean };

export function withPreferences(first: Studio): Studio {
  const { theme, keys, seen } = readPreferences();
  return { ...first, theme, keys, tour: seen ? null : 0 };
}

export function keepPreferences({ subscribe }: Store): void {
  subscribe(({ theme, keys, tour }, before) => {
    if (theme === before.theme && keys === before.keys && tour === before.tour) return;
    const seen = readPreferences().seen || (before.tour !== null && tour === null);
    try {
      localStorage.setItem(NAME, JSON.stringify({ theme, keys, seen } satisfies Preferences));
    } catch {
      // A browser that keeps nothing: the page works all the same.
    }
  });
}

function readPreferences(): Preferences {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(NAME) ?? '{}');
    const { theme, keys, seen } = (kept ?? {}) as Partial<Record<keyof Preferences, unknown>>;
    return { theme: theme === 'light' ? 'light' : 'dark', keys: keys !== false, seen: seen === true };
  } catch {
    return { theme: 'dark', keys: true, seen: false };
  }
}
