/** `--layout`, `--columns`, `--splits`, `--outside`: how a command reads a data set. */
import { defined } from '@reclmis/core';
import type { DataSourceOptions } from '@reclmis/data';
import { type Command, Option } from 'commander';

export interface SourceFlags {
  readonly layout?: string;
  readonly columns?: string;
  readonly splits?: string;
  readonly outside?: boolean;
}

export const DATA_ARGUMENT = 'data set: a folder, or a table of cases (docs/guide/own-data.md)';

export function withSourceOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--layout <name>',
        'how the data set is laid out: lvit, table, huggingface, nnunet or coco (default: recognised)',
      ),
    )
    .option('--columns <names>', 'what a table calls its columns, as image=Filename,note=Report')
    .option('--splits <file>', 'table of cases and their splits, from `reclmis data split`')
    .option('--outside', 'accept absolute paths and paths out of the data set’s folder in tables');
}

export function sourceOf({ layout, columns, splits, outside }: SourceFlags): DataSourceOptions {
  return defined({ layout, columns, splits, outside });
}
