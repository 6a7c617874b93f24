/**
 * The `reclmis` command: loads the subcommand, and turns errors into one coded message and an exit status.
 *
 * `reclmis --help` loads no subcommand, and only those that compute load libtorch.
 */
import { printableLine, ReclmisError, toReclmisError, VERSION } from '@reclmis/core/essentials';
import { Command, CommanderError } from 'commander';
import { COMMANDS } from './commands.js';
import { fitHelp, HELP } from './help-format.js';
import { isStopSignal, onInterrupt, type StopSignal } from './interrupt.js';
import { refuseEmptyPaths } from './paths.js';
import { guardStreams, helpWidth, writeErr, writeOut } from './terminal.js';
import { trainingMissing } from './training-packages.js';

/** Runs a command line (without `node` and script); returns the exit status, never throws. */
export async function main(argv: readonly string[]): Promise<number> {
  guardProcess();
  try {
    const program = await assemble(argv);
    await program.parseAsync(helpAsOption(argv), { from: 'user' });
    return Number(process.exitCode ?? 0); // set by a command that reported its end
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    return report(
      error instanceof CommanderError
        ? usageError(await unknownFirst(error, argv))
        : (trainingMissing(error) ?? error),
    );
  }
}

/** An unknown option is often a misspelling of the missing one, which commander reports first. */
async function unknownFirst(error: CommanderError, argv: readonly string[]): Promise<CommanderError> {
  if (error.code !== 'commander.missingMandatoryOptionValue') return error;
  const program = await assemble(argv);
  const soften = (command: Command): void => {
    for (const option of command.options) option.makeOptionMandatory(false);
    if (command.commands.length === 0) command.action(() => undefined);
    command.commands.forEach(soften);
  };
  soften(program);
  try {
    await program.parseAsync(helpAsOption(argv), { from: 'user' });
  } catch (second) {
    if (second instanceof CommanderError && second.code === 'commander.unknownOption') return second;
  }
  return error;
}

/** The program with the requested subcommand, or with all names for help and mistakes. */
async function assemble(argv: readonly string[]): Promise<Command> {
  const program = new Command('reclmis')
    .description(
      'Segment medical images guided by radiologists’ notes: train, evaluate and use RecLMIS (arXiv 2404.02845).',
    )
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help; see `reclmis COMMAND --help` for one command')
    .helpCommand('help [command]', 'print help for a command')
    .showSuggestionAfterError(true)
    .configureHelp(HELP)
    .configureOutput({
      writeOut: (text) => writeOut(fitHelp(text, helpWidth())),
      outputError: () => undefined,
    }) // `report` prints errors
    .exitOverride()
    .hook('preAction', (_, command) => refuseEmptyPaths(command));
  const name = helpAsOption(argv).find((word) => !word.startsWith('-')) ?? '';
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry) {
    (await entry.load()).register(program, COMMANDS);
    for (const command of program.commands) inherit(command, program);
    return program;
  }
  for (const [command, { description }] of Object.entries(COMMANDS)) {
    program.command(command).description(description).usage('[options]');
  }
  program.addHelpText('after', '\nExample:\n  $ reclmis demo\n');
  if (name === '') program.action(() => program.outputHelp());
  return program;
}

/** Commander passes these only to subcommands made by `.command`. */
function inherit(command: Command, from: Command): void {
  command.copyInheritedSettings(from);
  command.helpOption('-h, --help', 'print this help');
  for (const child of command.commands) inherit(child, command);
}

/** `help train` as `train --help`: only one subcommand is loaded. */
function helpAsOption(argv: readonly string[]): string[] {
  return argv[0] === 'help' ? [...argv.slice(1), '--help'] : [...argv];
}

/** Commander's suggestion becomes the remedy. */
function usageError(error: CommanderError): ReclmisError {
  if (error.code === 'commander.help') return new ReclmisError('OPTION_INVALID', 'no subcommand was given');
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = /\(Did you mean (.+)\?\)/.exec(rest.join(' '))?.[1];
  const unknown = ['commander.unknownOption', 'commander.unknownCommand', 'commander.excessArguments'];
  const remedy = suggestion ? { remedy: `Did you mean ${suggestion}?` } : {};
  return new ReclmisError(unknown.includes(error.code) ? 'OPTION_UNKNOWN' : 'OPTION_INVALID', first, remedy);
}

/** `error CODE: message` and `remedy: ...`; the stack only with RECLMIS_DEBUG=1. */
function report(thrown: unknown): number {
  const error = isStopSignal(thrown) ? stoppedBy(thrown) : toReclmisError(thrown);
  const remedy =
    error.code === 'INTERNAL'
      ? 'This is a bug in reclmis: run the command again with RECLMIS_DEBUG=1, and report the command, its output and that of `reclmis doctor --json`.'
      : error.remedy;
  writeErr(`error ${error.code}: ${printableLine(error.message)}\nremedy: ${printableLine(remedy)}\n`);
  if (process.env['RECLMIS_DEBUG'] === '1') {
    for (let e: unknown = error; e instanceof Error; e = e.cause) writeErr(`${e.stack ?? e.message}\n`);
  }
  return error.exitCode;
}

/** Signals end with status 130, unforeseen errors with a report. */
function guardProcess(): void {
  guardStreams((error) => process.exit(report(error)));
  onInterrupt((signal) => process.exit(report(signal)));
  process.on('uncaughtException', (error) => process.exit(report(error)));
}

function stoppedBy(signal: StopSignal): ReclmisError {
  return new ReclmisError('INTERRUPTED', `stopped by ${signal === 'SIGINT' ? 'Ctrl-C' : signal}`);
}
