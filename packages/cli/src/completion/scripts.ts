/** Completion scripts of bash, zsh and fish. They hold all words; nothing of reclmis runs while a key is pressed. */
import type { Node, OptionWord } from './tree.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export function completionScript(shell: Shell, tree: readonly Node[]): string {
  const head = `# Completion of reclmis for ${shell}, made by \`reclmis completion ${shell}\`.\n`;
  if (shell === 'bash') return head + bash(tree);
  return shell === 'zsh' ? `#compdef reclmis\n${head}${zsh(tree)}` : head + fish(tree);
}

/** In single quotes, as POSIX shells read it. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const words = (list: readonly string[]): string => quoted(list.join(' '));
const namesOf = (options: readonly OptionWord[]): string[] => options.flatMap(({ names }) => names);
/** Patterns of `PATH OPTION` for options that take a value. */
const patterns = ({ path }: Node, { names }: OptionWord): string =>
  names.map((name) => quoted(`${path} ${name}`)).join('|');
/** Patterns of all commands below the root. */
const steps = (tree: readonly Node[]): string =>
  tree
    .slice(1)
    .map(({ path }) => quoted(path))
    .join('|');

/** Cases of options whose value is one of a few, and patterns of those that take a file. */
function valueCases(
  tree: readonly Node[],
  offer: (choices: readonly string[]) => string,
): { readonly values: string[]; readonly files: string[] } {
  const values: string[] = [];
  const files: string[] = [];
  for (const node of tree)
    for (const option of node.options.filter(({ takesValue }) => takesValue))
      if (option.choices.length === 0) files.push(patterns(node, option));
      else values.push(`    ${patterns(node, option)}) ${offer(option.choices)}; return ;;`);
  return { values, files };
}

function bash(tree: readonly Node[]): string {
  const { values, files } = valueCases(
    tree,
    (choices) => `COMPREPLY=($(compgen -W ${words(choices)} -- "$word"))`,
  );
  const lists = tree.map(
    ({ path, children, options, choices }) =>
      `    ${quoted(path)}) options=${words(namesOf(options))} names=${words([...children.map(({ name }) => name), ...choices])} ;;`,
  );
  return `_reclmis() {
  local word=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} at=reclmis options= names= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${steps(tree)}) at="$at \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$at $previous" in
${values.join('\n')}
    ${files.join('|')}) return ;; # files, by -o default
  esac
  case "$at" in
${lists.join('\n')}
  esac
  if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "$options" -- "$word"))
  else COMPREPLY=($(compgen -W "$names" -- "$word")); fi
}
complete -o default -F _reclmis reclmis
`;
}

/** `name:description`, as `_describe` reads it. */
const described = (name: string, description: string): string =>
  quoted(`${name.replaceAll(':', '\\:')}:${description}`);

function zsh(tree: readonly Node[]): string {
  const { values, files } = valueCases(
    tree,
    (choices) => `names=(${choices.map(quoted).join(' ')}); _describe value names`,
  );
  const lists = tree.map(({ path, children, options, choices }) => {
    const names = [
      ...children.map(({ name, description }) => described(name, description)),
      ...choices.map(quoted),
    ];
    const flags = options.flatMap(({ names: all, description }) =>
      all.map((name) => described(name, description)),
    );
    return `    ${quoted(path)}) names=(${names.join(' ')}) flags=(${flags.join(' ')}) ;;`;
  });
  return `_reclmis() {
  local word=\${words[CURRENT]} previous=\${words[CURRENT-1]} at=reclmis i
  local -a names flags
  for ((i = 2; i < CURRENT; i++)); do
    case "$at \${words[i]}" in
      (${steps(tree)}) at="$at \${words[i]}" ;;
    esac
  done
  case "$at $previous" in
${values.map((line) => line.replace(/^ {4}/, '    (')).join('\n')}
    (${files.join('|')}) _files; return ;;
  esac
  case "$at" in
${lists.map((line) => line.replace(/^ {4}/, '    (')).join('\n')}
  esac
  if [[ $word == -* ]]; then _describe option flags
  elif (( \${#names} )); then _describe command names || _files
  else _files; fi
}
if [[ \${funcstack[1]} == _reclmis ]]; then _reclmis "$@"
elif (( \${+functions[compdef]} )); then compdef _reclmis reclmis; fi
`;
}

/** In single quotes, as fish reads it. */
const fished = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

function fish(tree: readonly Node[]): string {
  const lines = tree.flatMap(({ path, children, options, choices }) => {
    const start = `complete -c reclmis -n ${fished(`__reclmis_at ${path}`)}`;
    const plain = [
      ...children.map(({ name, description }) => ({ name, description })),
      ...choices.map((name) => ({ name, description: '' })),
    ];
    return [
      ...plain.map(
        ({ name, description }) =>
          `${start} -f -a ${fished(name)}${description === '' ? '' : ` -d ${fished(description)}`}`,
      ),
      ...options.map(({ names, description, takesValue, choices: values }) => {
        const flags = names.map((name) =>
          name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
        );
        const value = !takesValue ? '' : values.length > 0 ? ` -x -a ${fished(values.join(' '))}` : ' -r -F';
        return `${start} ${flags.join(' ')}${value} -d ${fished(description)}`;
      }),
    ];
  });
  const known = tree.slice(1).map(({ path }) => fished(path));
  return `function __reclmis_at --description 'whether the command line has come to this command'
  set -l at reclmis
  set -l known ${known.join(' ')}
  for word in (commandline -opc)[2..-1]
    if contains -- "$at $word" $known
      set at "$at $word"
    end
  end
  test "$at" = "$argv"
end
${lines.join('\n')}
`;
}
