/**
 * The members that are not undefined, to be spread into an object: an option that is absent takes its default, and types with exact optional
 * properties refuse one that is there and undefined.
 */
export function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
