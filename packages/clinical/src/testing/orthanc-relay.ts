/** Runs inside Orthanc's network namespace: passes connections on from sockets in a folder; ends with standard input. */
import { connect, createServer } from 'node:net';

/** A socket and the port behind it, then the next. */
const doors = process.argv.slice(2);

process.stdin.resume().on('end', () => process.exit());
// Orthanc that never comes up: the test's own limit ends the wait.
const up = (port: number): Promise<void> =>
  new Promise((resolve) => {
    const probe = connect({ port, host: '127.0.0.1' });
    probe.on('error', () => setTimeout(() => resolve(up(port)), 50));
    probe.on('connect', () => {
      probe.destroy();
      resolve();
    });
  });
for (let i = 0; i < doors.length; i += 2) {
  const port = Number(doors[i + 1]);
  await up(port);
  await new Promise<void>((resolve) => {
    createServer((outside) => {
      const through = connect({ port, host: '127.0.0.1' });
      outside.pipe(through).pipe(outside);
      outside.on('error', () => through.destroy());
      through.on('error', () => outside.destroy());
    }).listen(doors[i], resolve);
  });
}
process.stdout.write('ready\n');
