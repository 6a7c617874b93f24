/**
 * Takes out of messages what tells who and where: folders, user and host names. Messages of the system and of native
 * libraries may hold any of them.
 */
import { hostname, homedir, tmpdir, userInfo } from 'node:os';

/** What must not be told. */
export interface Personal {
  /** Folders, in any order. */
  readonly folders: readonly string[];
  /** Names of users and hosts. */
  readonly names: readonly string[];
}

/** Names that belong to nobody. */
const ANYONE = new Set([
  'root',
  'node',
  'user',
  'admin',
  'runner',
  'ubuntu',
  'debian',
  'localhost',
  'nobody',
]);
/** A single letter would tear other words apart. */
const SHORTEST_NAME = 2;
/** File names of libraries and our own code say what is missing, and name nobody. */
const LIBRARY = /(?:\.so[.\d]*|\.node|\.dylib|\.dll|\.[cm]?js)$/;
/** What cannot belong to a path in a message. */
const END = `'"\`,;()<>|:\n`;
/** The rest of a path: to the next blank, or further where a separator shows that the path goes on. */
const REST = String.raw`(?:[^\s${END}]|[^\S\n]+(?=[^${END}]*[\\/]))*`;
/** Absolute paths of POSIX and Windows. */
const PATHS = new RegExp(String.raw`(?:file://)?(?<![\w.>])(?:[A-Za-z]:[\\/]|\\\\|/)(?=[^\s/])${REST}`, 'g');

/** This process's user, host and folders. */
export function personal(env: NodeJS.ProcessEnv = process.env): Personal {
  const given = ['USER', 'LOGNAME', 'USERNAME', 'HOSTNAME', 'COMPUTERNAME', 'SUDO_USER'];
  const folders = [
    'HOME',
    'USERPROFILE',
    'RECLMIS_HOME',
    'XDG_CACHE_HOME',
    'LIBTORCH',
    'LOCALAPPDATA',
    'TMPDIR',
  ];
  const values = (names: readonly string[]): string[] => names.flatMap((name) => env[name] ?? []);
  const host = hostname();
  return {
    folders: [process.cwd(), homedir(), tmpdir(), ...values(folders)],
    names: [userName(), host, host.split('.')[0] ?? '', ...values(given)],
  };
}

/** As the operating system knows it; '' where it knows none (a container's bare user number). */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return '';
  }
}

/** `text` without the folders and names of `known`, nor any other absolute path. */
export function redact(text: string, known: Personal): string {
  const folders = known.folders.filter((folder) => folder.length > 1).sort((a, b) => b.length - a.length);
  const names = known.names.filter((name) => name.length >= SHORTEST_NAME && !ANYONE.has(name.toLowerCase()));
  let safe = text;
  for (const folder of folders) safe = safe.replace(new RegExp(`${literal(folder)}[^${END}]*`, 'g'), hidden);
  safe = safe.replace(PATHS, hidden);
  for (const name of names) safe = safe.replace(wholeWord(name), '<name>');
  return safe;
}

/** A library keeps its file name. */
function hidden(path: string): string {
  const name = /[^\\/]+$/.exec(path)?.[0] ?? '';
  return LIBRARY.test(name) && !/\s/.test(name) ? `<path>/${name}` : '<path>';
}

const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

const wholeWord = (name: string): RegExp =>
  new RegExp(`(?<![\\p{L}\\p{N}])${literal(name)}(?![\\p{L}\\p{N}])`, 'giu');
