import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cacheHome } from './home.js';

describe('cacheHome', () => {
  it.each([
    ['linux', { HOME: '/home/ada' }, '/home/ada/.cache/reclmis'],
    ['linux', { HOME: '/home/ada', XDG_CACHE_HOME: '/cache' }, '/cache/reclmis'],
    ['linux', { HOME: '/home/ada', XDG_CACHE_HOME: 'relative' }, '/home/ada/.cache/reclmis'],
    ['darwin', { HOME: '/Users/ada', XDG_CACHE_HOME: '/cache' }, '/Users/ada/Library/Caches/reclmis'],
    [
      'win32',
      { LOCALAPPDATA: 'C:\\Users\\ada\\AppData\\Local' },
      'C:\\Users\\ada\\AppData\\Local\\reclmis\\Cache',
    ],
    ['win32', { USERPROFILE: 'C:\\Users\\ada' }, 'C:\\Users\\ada\\AppData\\Local\\reclmis\\Cache'],
    ['linux', { HOME: '/home/ada', RECLMIS_HOME: '/data/reclmis' }, '/data/reclmis'],
    ['linux', { HOME: '/home/ada', RECLMIS_HOME: '' }, '/home/ada/.cache/reclmis'],
  ])('on %s with %j is %s', (platform, env, expected) => {
    expect(cacheHome(env, platform)).toBe(expected);
  });

  it('is absolute', () => {
    expect(cacheHome({ RECLMIS_HOME: 'here' })).toBe(join(process.cwd(), 'here'));
  });
});
