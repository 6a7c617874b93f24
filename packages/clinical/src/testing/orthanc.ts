/**
 * A real Orthanc for tests, alone in a network namespace: version 1.10 listens on all addresses, whatever its
 * configuration says. A relay inside passes connections on from a socket in a folder, so tests reach it at this
 * machine's own address and nobody else does.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PORT = 18_042;
const DICOM_PORT = 18_043;
const RELAY = fileURLToPath(new URL('orthanc-relay.js', import.meta.url));
const ORTHANC = ['/usr/sbin/Orthanc', '/usr/bin/Orthanc', '/usr/local/sbin/Orthanc'].find(existsSync);
const PLUGINS = ['/usr/share/orthanc/plugins', '/usr/lib/orthanc', '/usr/local/share/orthanc/plugins'].find(
  (folder) => existsSync(join(folder, 'libOrthancDicomWeb.so')),
);

/** With the right to make network namespaces as root, or as a user who becomes root inside. */
const SPACES = [['--net'], ['--map-root-user', '--net']].find((flags) =>
  succeeds('unshare', [...flags, '--pid', '--fork', 'ip', 'link', 'set', 'lo', 'up']),
);

/** What is missing to run Orthanc, or null. */
export function orthancMissing(): string | null {
  if (ORTHANC === undefined || PLUGINS === undefined) return 'Orthanc with its DICOMweb plugin';
  return SPACES === undefined ? 'the right to make network namespaces' : null;
}

export interface Orthanc {
  /** The DICOMweb root. */
  readonly url: string;
  /** Where it takes C-STORE, on this machine's own address. Any called AE title will do. */
  readonly dicomPort: number;
  stop(): Promise<void>;
}

/** @param users names and passwords; default none needed */
export async function startOrthanc(users: Readonly<Record<string, string>> = {}): Promise<Orthanc> {
  const lack = orthancMissing();
  if (lack !== null) throw new Error(`needs ${lack}`);
  const folder = mkdtempSync(join(tmpdir(), 'reclmis-orthanc-'));
  const configuration = join(folder, 'orthanc.json');
  const [web, dicom] = [join(folder, 'web'), join(folder, 'dicom')];
  writeFileSync(
    configuration,
    JSON.stringify({
      StorageDirectory: folder,
      IndexDirectory: folder,
      Plugins: [PLUGINS],
      HttpPort: PORT,
      RemoteAccessAllowed: false,
      AuthenticationEnabled: Object.keys(users).length > 0,
      RegisteredUsers: users,
      DicomServerEnabled: true,
      DicomPort: DICOM_PORT,
      DicomWeb: { Enable: true, Root: '/dicom-web/' },
    }),
  );
  const inside = 'ip link set lo up && { "$1" "$2" >/dev/null 2>&1 & } && shift 2 && exec "$@"';
  const child = spawn(
    'unshare',
    [
      ...[...(SPACES ?? []), '--pid', '--fork', '--kill-child', 'sh', '-c', inside, 'sh'],
      ...[ORTHANC ?? '', configuration, process.execPath, RELAY],
      ...[web, String(PORT), dicom, String(DICOM_PORT)],
    ],
    { stdio: ['pipe', 'pipe', 'ignore'] },
  );
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await ready(child, ended);
  const doors = await Promise.all([web, dicom].map(openDoor));
  const [webPort = 0, dicomPort = 0] = doors.map((door) => (door.address() as AddressInfo).port);
  return {
    url: `http://127.0.0.1:${webPort}/dicom-web`,
    dicomPort,
    stop: async () => {
      for (const door of doors) door.close();
      child.stdin.end(); // ends the relay, first process of its namespace, and with it all others
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Passes connections on to a relay's socket, from a free port. */
async function openDoor(socket: string): Promise<Server> {
  const door = createServer((outside) => {
    const through = connect(socket);
    outside.pipe(through).pipe(outside);
    outside.on('error', () => through.destroy());
    through.on('error', () => outside.destroy());
  });
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  return door;
}

async function ready(child: ChildProcess, ended: Promise<void>): Promise<void> {
  const says = new Promise<boolean>((resolve) => child.stdout?.once('data', () => resolve(true)));
  if (!(await Promise.race([says, ended.then(() => false)]))) throw new Error('Orthanc did not start');
}

function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
