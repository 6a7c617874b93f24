/**
 * The closed catalogue of everything that can go wrong, and the one error class that carries it.
 *
 * A message says what happened and where, with expected and actual; the catalogue holds what a code means in general,
 * the default remedy and the exit status of the command. `docs/reference/errors.md` is generated from this file
 * (`scripts/errors-doc.mjs`), and `tests/errors.test.ts` binds code, type and page together.
 *
 * To add a code: append an entry to the group with its exit status, then run `npm run generate`.
 */

/** What the catalogue knows about one code. */
export interface ErrorEntry {
  /** What the code means, one sentence. */
  readonly meaning: string;
  /** What to do about it unless the place that throws knows better, one sentence. */
  readonly remedy: string;
  /** The exit status of the `reclmis` command when this error ends it. */
  readonly exitCode: ExitCode;
}

/** 2 usage and configuration, 3 data, 4 runs and checkpoints, 5 engine and device, 6 training, 7 output, 70 a defect, 75 to be resumed, 130 interrupted. */
export type ExitCode = 2 | 3 | 4 | 5 | 6 | 7 | 70 | 75 | 130;

const CATALOGUE = {
  // 2: usage and configuration
  OPTION_UNKNOWN: {
    meaning: 'The command line has an option or a command that does not exist.',
    remedy: 'Run the command with --help for the options it takes.',
    exitCode: 2,
  },
  OPTION_INVALID: {
    meaning: 'An option is missing or has a value outside its range.',
    remedy: 'Run the command with --help for what the option takes.',
    exitCode: 2,
  },
  CONFIG_UNKNOWN_KEY: {
    meaning: 'The configuration holds a key that does not exist.',
    remedy: 'Correct the spelling or remove the key; configs/ holds complete examples.',
    exitCode: 2,
  },
  CONFIG_INVALID: {
    meaning: 'A value of the configuration has the wrong type or lies outside its range.',
    remedy: 'Change the value to what the message names as expected.',
    exitCode: 2,
  },
  CONFIG_UNREADABLE: {
    meaning: 'The configuration file is missing or is not valid YAML.',
    remedy: 'Check the path and the indentation of the file; configs/ holds complete examples.',
    exitCode: 2,
  },
  LAUNCH_INVALID: {
    meaning:
      'The variables by which a launcher says which process of a distributed run this is are incomplete or contradict each other.',
    remedy:
      'Set all variables of the launcher (torchrun, Slurm or Kubeflow Trainer), or unset them to train with one process.',
    exitCode: 2,
  },
  REQUEST_INVALID: {
    meaning:
      'A request to the server is malformed, or a part of it is missing or has another form than the route takes.',
    remedy: 'Compare the request with the document at /openapi.json.',
    exitCode: 2,
  },
  REQUEST_TOO_LARGE: {
    meaning: 'A request to the server has more bytes than the limit.',
    remedy: 'Send a smaller image, or start the server with a higher --max-bytes.',
    exitCode: 2,
  },
  REQUEST_UNSUPPORTED: {
    meaning: 'A request to the server has a body of a kind that the route does not read.',
    remedy: 'Send multipart/form-data to /segment and JSON or binary tensors to /v2, not compressed.',
    exitCode: 2,
  },
  REQUEST_SLOW: {
    meaning: 'A request to the server did not arrive in time.',
    remedy: 'Send it again over a faster connection, or start the server with a longer --body-timeout.',
    exitCode: 2,
  },
  ROUTE_UNKNOWN: {
    meaning: 'The server has no such route, model or version.',
    remedy: 'Compare path and method with the document at /openapi.json.',
    exitCode: 2,
  },
  METHOD_UNKNOWN: {
    meaning: 'The route of the server does not take this method.',
    remedy: 'Use one of the methods that the header Allow of the answer names.',
    exitCode: 2,
  },
  HOST_REFUSED: {
    meaning:
      'A request to a server without a token names a host that is not the server’s, as those of a web page do whose name was pointed to this machine.',
    remedy:
      'Ask by http://localhost, or start the server with --allow-host NAME for a name that is its own, or with --token-file.',
    exitCode: 2,
  },
  ORIGIN_REFUSED: {
    meaning: 'A page of another origin sent a request to a server without a token.',
    remedy: 'Start the server with --cors ORIGIN for pages that may call it, or with --token-file.',
    exitCode: 2,
  },
  TOKEN_INVALID: {
    meaning: 'A request to the server lacks the token, or has another one.',
    remedy: 'Send the header Authorization: Bearer TOKEN with the token of the server’s --token-file.',
    exitCode: 2,
  },

  // 3: data
  DATA_FOLDER_MISSING: {
    meaning: 'The data set folder, or a folder inside it that is needed, does not exist.',
    remedy:
      'Point --data at a folder that holds Train_Folder, Val_Folder or Test_Folder with img and labelcol inside.',
    exitCode: 3,
  },
  DATA_INVALID: {
    meaning: 'The check of the data set found missing, unreadable or mismatched items.',
    remedy: 'Run `reclmis data check` on the folder and repair each item that it lists.',
    exitCode: 3,
  },
  DATA_SUSPICIOUS: {
    meaning: 'The strict check of the data set found something that is most likely a mistake.',
    remedy: 'Look at the cases that `reclmis data check` names, repair them, or leave --strict out.',
    exitCode: 3,
  },
  DATA_SPLIT_EMPTY: {
    meaning: 'A split of the data set, or the selection from it, holds no case.',
    remedy: 'Add images to the split, or widen the list of stems.',
    exitCode: 3,
  },
  IMAGE_MISSING: {
    meaning: 'An image file that was asked for does not exist.',
    remedy: 'Check the path; it is relative to the current folder.',
    exitCode: 3,
  },
  IMAGE_UNREADABLE: {
    meaning: 'An image file is damaged or cut short, or its pixels do not fit its stated size.',
    remedy: 'Replace the file by an intact copy.',
    exitCode: 3,
  },
  IMAGE_TOO_LARGE: {
    meaning: 'An image has more pixels than the limit that protects the memory.',
    remedy: 'Scale the image down or cut it into tiles; the model reads far fewer pixels anyway.',
    exitCode: 3,
  },
  IMAGE_UNSUPPORTED: {
    meaning: 'A file is of an image format that is not read.',
    remedy: 'Convert the file to PNG, JPEG or TIFF, 8 or 16 bit, grey or colour.',
    exitCode: 3,
  },
  MASK_MISSING: {
    meaning: 'An image has no mask.',
    remedy: 'Add a mask to labelcol under the name of the image, or under mask_ and that name.',
    exitCode: 3,
  },
  MASK_SIZE_MISMATCH: {
    meaning: 'A mask has another size than its image, or than the mask it is compared with.',
    remedy: 'Export the mask again at the size of its image.',
    exitCode: 3,
  },
  NOTES_MISSING: {
    meaning: 'There is no workbook or CSV file of notes where one is needed.',
    remedy: 'Add a *_text.xlsx or *_text.csv file with the columns Image and Description.',
    exitCode: 3,
  },
  NOTES_EMPTY: {
    meaning: 'A workbook or CSV file of notes holds no note.',
    remedy: 'Fill the columns Image and Description, one row per mask.',
    exitCode: 3,
  },
  NOTES_UNREADABLE: {
    meaning:
      'A file of notes is damaged, lacks the columns Image and Description, or holds what can be read in two ways.',
    remedy: 'Save the notes again as XLSX or CSV with the columns Image and Description in the first row.',
    exitCode: 3,
  },
  NOTES_CONFLICT: {
    meaning: 'Two rows, two sheets or two files of notes contradict each other.',
    remedy: 'Keep one note for each mask and one file of notes in each folder.',
    exitCode: 3,
  },
  NOTE_WITHOUT_IMAGE: {
    meaning: 'A note names an image that is not there.',
    remedy: 'Add the image or remove the row; notes are keyed by the file name of the mask.',
    exitCode: 3,
  },
  NOTE_MISSING: {
    meaning: 'An image has no note.',
    remedy: 'Add a row to the notes, keyed by the file name of the mask, or give --note.',
    exitCode: 3,
  },
  NOTE_EMPTY: {
    meaning: 'A note has no words.',
    remedy: 'Write what is to be segmented and where, for instance "upper left lung".',
    exitCode: 3,
  },
  NOTE_INVALID: {
    meaning: 'A note holds control characters or bytes that are not UTF-8.',
    remedy: 'Send the note as plain text in UTF-8.',
    exitCode: 3,
  },
  NOTE_TOO_LONG: {
    meaning: 'A note has more characters than the limit of the server.',
    remedy: 'Shorten the note; the model reads its first words only.',
    exitCode: 3,
  },
  STEM_UNKNOWN: {
    meaning: 'A list of stems names a case that the split does not hold.',
    remedy: 'Remove the line, or use the list with the split that it was made for.',
    exitCode: 3,
  },

  // 4: runs, checkpoints and their files
  RUN_MISSING: {
    meaning: 'The run folder does not exist.',
    remedy: 'Check the path, or train first: `reclmis train` writes the folder.',
    exitCode: 4,
  },
  RUN_INVALID: {
    meaning: 'The run folder lacks a file or holds one that does not read as expected.',
    remedy: 'Use a folder that `reclmis train` wrote, or train again.',
    exitCode: 4,
  },
  RUN_BUSY: {
    meaning: 'Another process writes into the folder: it trains the run there, or leaves its results there.',
    remedy:
      'Wait for it or end it (one that is suspended counts too); two processes cannot write one folder.',
    exitCode: 4,
  },
  CHECKPOINT_MISSING: {
    meaning: 'The run holds no checkpoint of the kind that was asked for.',
    remedy: 'Let the training finish at least one epoch.',
    exitCode: 4,
  },
  CHECKPOINT_CORRUPT: {
    meaning: 'A checkpoint is damaged or cut short.',
    remedy: 'Use the other checkpoint of the run, or train again.',
    exitCode: 4,
  },
  CHECKPOINT_MISMATCH: {
    meaning:
      'A checkpoint does not fit: its keys, shapes or settings are not those of the model or of config.yaml.',
    remedy: 'Use the configuration that the checkpoint was trained with; it lies beside it as config.yaml.',
    exitCode: 4,
  },
  SAFETENSORS_INVALID: {
    meaning: 'A file is not a valid safetensors file.',
    remedy: 'Fetch or write the file again; it may have been cut short.',
    exitCode: 4,
  },
  ARCHIVE_INVALID: {
    meaning: 'An archive of weights is damaged, cut short or breaks a limit.',
    remedy: 'Fetch or write the file again; it may have been cut short.',
    exitCode: 4,
  },
  ARCHIVE_REFUSED: {
    meaning: 'A pickle asks for something that is not on the allow-list, which could run code.',
    remedy:
      'Do not load the file elsewhere unless you trust its source; ask for one that holds a plain state dictionary.',
    exitCode: 4,
  },
  VOCABULARY_INVALID: {
    meaning: 'A stored vocabulary does not read as one.',
    remedy: 'Use the vocabulary that training stored with its checkpoint, unchanged.',
    exitCode: 4,
  },
  VOCABULARY_MISSING: {
    meaning: 'CLIP’s weights were given without the vocabulary that its tokeniser needs.',
    remedy:
      'Name bpe_simple_vocab_16e6.txt.gz or tokenizer.json with --vocabulary, or put it beside the weights.',
    exitCode: 4,
  },
  WEIGHTS_MISSING: {
    meaning: 'The weights that were asked for are not in the cache.',
    remedy:
      'Run `reclmis weights fetch clip-vit-b-32`, or `reclmis weights import FILE` on a machine without a network.',
    exitCode: 4,
  },
  WEIGHTS_CORRUPT: {
    meaning: 'Weights in the cache are damaged or incomplete.',
    remedy: 'Fetch or import them again with --force.',
    exitCode: 4,
  },
  WEIGHTS_UNSUPPORTED: {
    meaning: 'A file of weights holds another model than the one it was given for.',
    remedy:
      'Give CLIP ViT-B/32, ViT-B/16 or ViT-L/14 as OpenAI or Hugging Face publish it, or a RecLMIS checkpoint for a run.',
    exitCode: 4,
  },
  WEIGHTS_UNKNOWN: {
    meaning: 'No weights of this id are known, so that there is nothing to fetch.',
    remedy: 'Use one of the ids that the message names, or give --url and --sha256 for a file of your own.',
    exitCode: 4,
  },
  WEIGHTS_HASH_MISMATCH: {
    meaning: 'A downloaded file is not the one that was expected.',
    remedy: 'Try again or use another --url; give --sha256 only for a file that you trust.',
    exitCode: 4,
  },
  DOWNLOAD_FAILED: {
    meaning: 'A file could not be downloaded.',
    remedy:
      'Check the network and the proxy (HTTPS_PROXY, NO_PROXY), name a mirror with --url, or fetch the file elsewhere and use `reclmis weights import FILE`.',
    exitCode: 4,
  },
  MODEL_MISSING: {
    meaning: 'There is no exported model at this place.',
    remedy: 'Name the folder or address that holds manifest.json; `reclmis export RUN -o DIR` makes one.',
    exitCode: 4,
  },
  MODEL_INVALID: {
    meaning: 'An exported model is damaged, incomplete or of a format that this version does not read.',
    remedy: 'Export the run again with `reclmis export`.',
    exitCode: 4,
  },
  GOLDEN_INVALID: {
    meaning: 'A golden file is missing or does not have the format that the parity check reads.',
    remedy:
      'Give the JSON file of a golden pair, such as golden/reclmis.json of the repository, with its .safetensors file next to it.',
    exitCode: 4,
  },

  // 5: engine and device
  DISTRIBUTED_MISSING: {
    meaning: 'Training with several processes needs a backend that the libtorch addon was built without.',
    remedy: 'Install libgloo-dev (NCCL for CUDA devices) and build the addon again: npm run setup.',
    exitCode: 5,
  },
  DISTRIBUTED_FAILED: {
    meaning: 'The processes of a run could not reach each other, or lost each other.',
    remedy: 'Check that every process runs, and that the address and port are open between their machines.',
    exitCode: 6,
  },
  DEVICE_MISSING: {
    meaning: 'The device that was asked for is not there, or the linked libtorch cannot use it.',
    remedy: 'Use --device cpu, or link a libtorch that was built for the device.',
    exitCode: 5,
  },
  DEVICE_WRONG: {
    meaning:
      'The device computes something else than the exporter saw: the driver of a graphics processor, or the browser, errs.',
    remedy: "Use device 'cpu' in Node or 'wasm' in a browser, or bring driver and browser up to date.",
    exitCode: 5,
  },
  PRECISION_UNSUPPORTED: {
    meaning: 'The device does not compute in the precision that was asked for.',
    remedy: 'Use --precision fp32, or bf16, or a CUDA device for fp16.',
    exitCode: 5,
  },
  NODE_UNSUPPORTED: {
    meaning: 'This Node is older than the oldest one that works, or of a series that is not tested.',
    remedy: 'Install a current Node (https://nodejs.org), then run `npm run setup` in a clone again.',
    exitCode: 5,
  },
  ADDON_MISSING: {
    meaning: 'The native addon is not built, or was built for another Node or libtorch.',
    remedy: 'Run `npm run setup`.',
    exitCode: 5,
  },
  LIBTORCH_MISSING: {
    meaning: 'libtorch was not found.',
    remedy: 'Install libtorch-dev, or set LIBTORCH to the folder that holds its include and lib.',
    exitCode: 5,
  },
  OPERATOR_FAILED: {
    meaning: 'libtorch refused an operation.',
    remedy: 'Compare the shapes and dtypes that the message names with what the operator takes.',
    exitCode: 5,
  },
  OPERATOR_UNKNOWN: {
    meaning: 'The linked libtorch has no operator of this name and overload.',
    remedy: 'Link libtorch 1.13 or later, and run `npm run generate` if the list of operators has changed.',
    exitCode: 5,
  },
  TENSOR_DISPOSED: {
    meaning: 'A tensor was used after it had been disposed.',
    remedy: 'Return the tensor from its scope, or keep() it.',
    exitCode: 5,
  },
  TENSOR_RANK: {
    meaning: 'A tensor has another number of dimensions than needed.',
    remedy: 'Reshape the tensor to the rank that the message names.',
    exitCode: 5,
  },
  TENSOR_SHAPE: {
    meaning: 'A tensor, or the data for one, has another size than needed.',
    remedy: 'Give data of the size that the message names.',
    exitCode: 5,
  },
  TENSOR_DTYPE: {
    meaning: 'A tensor has another dtype than needed.',
    remedy: 'Convert the tensor with to({ dtype }).',
    exitCode: 5,
  },

  RUNTIME_MISSING: {
    meaning: 'onnxruntime, which runs exported models, is not installed or does not start on this machine.',
    remedy: 'Install onnxruntime-node (Node) or onnxruntime-web (browser) beside @reclmis/runtime.',
    exitCode: 5,
  },
  INFERENCE_FAILED: {
    meaning: 'onnxruntime could not run the model.',
    remedy: 'Look at the cause that the message names; a smaller batch helps where memory ran out.',
    exitCode: 5,
  },
  LISTEN_FAILED: {
    meaning: 'The server cannot listen at the address and port.',
    remedy: 'Choose another --port or --host; port 0 takes a free one.',
    exitCode: 5,
  },

  // 6: training and checking
  LOSS_NOT_FINITE: {
    meaning: 'A loss became infinite or not a number.',
    remedy: 'Lower the learning rate, and look at the batch that the message names.',
    exitCode: 6,
  },
  LOSS_MISSING: {
    meaning: 'A loss that the configuration asks for was not computed.',
    remedy: 'Report the configuration as a defect; training never drops a loss silently.',
    exitCode: 6,
  },
  PARITY_FAILED: {
    meaning: 'The model differs from the golden file by more than the tolerance.',
    remedy: 'Find the first output in the table that differs and compare its block with the paper.',
    exitCode: 6,
  },

  PREDICT_INCOMPLETE: {
    meaning: 'Some of the images could not be segmented; all others were.',
    remedy:
      'Repair what the list of failures names, and run the same command with --resume: it does only what is missing.',
    exitCode: 6,
  },
  STUDY_INCOMPLETE: {
    meaning:
      'Some runs of a study diverged or ran out of time; all others are done, and the tables hold them.',
    remedy:
      'Look at the runs that the message names; the same command goes on with those that ran out of time.',
    exitCode: 6,
  },
  EXPORT_UNSUPPORTED: {
    meaning: 'The model uses an operation that has no translation to ONNX.',
    remedy: 'Report the operation that the message names; nothing was written.',
    exitCode: 6,
  },
  EXPORT_DIFFERS: {
    meaning: 'The exported model gives other masks than the run it came from.',
    remedy: 'Report the figures as a defect, or export in fp32; nothing was written.',
    exitCode: 6,
  },

  // 7: output
  OUTPUT_EXISTS: {
    meaning: 'The place to write to already holds something.',
    remedy: 'Choose another place, or remove what is there.',
    exitCode: 7,
  },
  OUTPUT_UNWRITABLE: {
    meaning: 'A file or folder cannot be written.',
    remedy: 'Check the path and its permissions, or choose another place.',
    exitCode: 7,
  },
  DISK_FULL: {
    meaning: 'The disk is full.',
    remedy: 'Free some space and run the command again; nothing half-written remains.',
    exitCode: 7,
  },

  // 70, 75 and 130
  INTERNAL: {
    meaning: 'A defect of the program.',
    remedy: 'Report the message with the command that led to it.',
    exitCode: 70,
  },
  PREEMPTED: {
    meaning:
      'The training was told to end by SIGTERM or SIGUSR1, as schedulers do before they take a machine back; its state is saved.',
    remedy: 'Go on with reclmis train --resume RUN.',
    exitCode: 75,
  },
  RANK_LOST: {
    meaning:
      'One of the processes that train together was killed, fell silent or hangs; the others have stopped.',
    remedy:
      'Find out what ended it (memory, machine, network), then go on with reclmis train --resume RUN, with any number of processes.',
    exitCode: 75,
  },
  SERVER_BUSY: {
    meaning: 'The server has as much work as its limits allow.',
    remedy: 'Send the request again after the seconds that the header Retry-After names.',
    exitCode: 75,
  },
  SERVER_STOPPING: {
    meaning: 'The server is stopping: it finishes what it took and takes nothing new.',
    remedy: 'Send the request again to another server, or when this one is back.',
    exitCode: 75,
  },
  REQUEST_TIMEOUT: {
    meaning: 'The server could not finish a request within its time limit, and has dropped it.',
    remedy: 'Send the request again later, or start the server with a longer --timeout.',
    exitCode: 75,
  },
  INTERRUPTED: {
    meaning: 'The command was interrupted.',
    remedy: 'Run it again; finished files are complete.',
    exitCode: 130,
  },
} as const satisfies Record<string, ErrorEntry>;

/** Every code of the catalogue. */
export type ErrorCode = keyof typeof CATALOGUE;

/** The closed catalogue: what each code means, its default remedy and the exit status of the command. */
export const ERRORS: Readonly<Record<ErrorCode, ErrorEntry>> = CATALOGUE;

/** Whether a string is a code of the catalogue. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(CATALOGUE, text);
}

/** What a `ReclmisError` may carry besides code and message. */
export interface ReclmisErrorOptions {
  /** The error that led to this one. */
  readonly cause?: unknown;
  /** What to do about it here, where the catalogue's default is too general. */
  readonly remedy?: string;
}

/** The error that every part of RecLMIS throws for bad input and failed operations. */
export class ReclmisError extends Error {
  override readonly name = 'ReclmisError';
  readonly code: ErrorCode;
  /** What to do about it, one sentence. */
  readonly remedy: string;

  /**
   * @param code A code of the catalogue.
   * @param message One line: what and where, with expected and actual.
   */
  constructor(code: ErrorCode, message: string, options: ReclmisErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy ?? ERRORS[code].remedy;
  }

  /** The exit status of the command when this error ends it. */
  get exitCode(): ExitCode {
    return ERRORS[this.code].exitCode;
  }
}

/** The error itself if it is a `ReclmisError`, else an `INTERNAL` one that has it as its cause. */
export function toReclmisError(error: unknown): ReclmisError {
  if (error instanceof ReclmisError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ReclmisError('INTERNAL', message, { cause: error });
}
