/** `reclmis completion`: a shell's completion script, from the definitions of the commands. */
import { Argument, type Command } from 'commander';
import type { Commands } from '../command-entry.js';
import { Output } from '../output.js';
import { completionScript, SHELLS, type Shell } from '../completion/scripts.js';
import { commandTree } from '../completion/tree.js';

export function register(program: Command, commands: Commands): void {
  program
    .command('completion')
    .description('print a script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>', 'which shell').choices([...SHELLS]))
    .addHelpText(
      'after',
      '\nExamples:\n  $ reclmis completion bash > ~/.local/share/bash-completion/completions/reclmis\n' +
        '  $ reclmis completion zsh > ~/.zfunc/_reclmis      # with fpath+=(~/.zfunc)\n' +
        '  $ reclmis completion fish > ~/.config/fish/completions/reclmis.fish\n',
    )
    .action((shell: Shell) => run(shell, commands));
}

async function run(shell: Shell, commands: Commands): Promise<void> {
  new Output({}).say(completionScript(shell, await commandTree(commands)).trimEnd());
}
