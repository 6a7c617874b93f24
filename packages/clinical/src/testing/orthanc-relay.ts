/** Runs inside Orthanc's network namespace: passes connections on from a socket in a folder; ends with standard input. */
import { connect, createServer } from 'node:net';

const [socket = '', port = '0'] = process.argv.slice(2);
const orthanc = { port: Number(port), host: '127.0.0.1' };

process.stdin.resume().on('end', () => process.exit());
// Orthanc that never comes up: the test's own limit ends the wait.
const wait = (): void => {
  const probe = connect(orthanc);
  probe.on('error', () => setTimeout(wait, 50));
  probe.on('connect', () => {
    probe.destroy();
    createServer((outside) => {
      const through = connect(orthanc);
      outside.pipe(through).pipe(outside);
      outside.on('error', () => through.destroy());
      through.on('error', () => outside.destroy());
    }).listen(socket, () => process.stdout.write('ready\n'));
  });
};
wait();
