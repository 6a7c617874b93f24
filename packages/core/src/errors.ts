/**
 * The closed catalogue of errors: a code's general meaning, default remedy and exit status, from which
 * `docs/reference/errors.md` is generated; and the class that carries them, with a message for the case.
 *
 * To add a code: append an entry to its group, then run `npm run generate`.
 */

export interface ErrorEntry {
  /** What the code means, in one sentence. */
  readonly meaning: string;
  /** One sentence; the throwing code may give a better one. */
  readonly remedy: string;
  /** Exit status of the `reclmis` command if this error ends it. */
  readonly exitCode: ExitCode;
}

/** 2 usage and configuration, 3 data, 4 runs and checkpoints, 5 engine and device, 6 training, 7 output, 70 a bug, 75 resumable, 130 interrupted. */
export type ExitCode = 2 | 3 | 4 | 5 | 6 | 7 | 70 | 75 | 130;

const CATALOGUE = {
  // 2: usage and configuration
  OPTION_UNKNOWN: {
    meaning: 'The command line has an unknown option or command.',
    remedy: 'Run the command with --help to see the options it takes.',
    exitCode: 2,
  },
  OPTION_INVALID: {
    meaning: 'An option is missing or its value is out of range.',
    remedy: 'Run the command with --help to see what the option accepts.',
    exitCode: 2,
  },
  CONFIG_UNKNOWN_KEY: {
    meaning: 'The configuration contains an unknown key.',
    remedy:
      'Correct the spelling or remove the key; the presets in configs/ of @reclmis/lab are complete examples.',
    exitCode: 2,
  },
  CONFIG_INVALID: {
    meaning: 'A configuration value has the wrong type or is out of range.',
    remedy: 'Change the value to what the message says is expected.',
    exitCode: 2,
  },
  NOTE_VOCABULARY_INVALID: {
    meaning: 'A vocabulary for reading notes is no YAML of the expected form, or contradicts itself.',
    remedy:
      'Correct the file at the line and key named (docs/guide/own-vocabulary.md); `reclmis notes check FILE` lists all problems.',
    exitCode: 2,
  },
  CLASSES_INVALID: {
    meaning:
      'A list of classes to segment is no YAML of the expected form, or names two that cannot be told apart.',
    remedy: 'Correct the file at the line and key named (docs/guide/predict.md).',
    exitCode: 2,
  },
  CONFIG_UNREADABLE: {
    meaning: 'The configuration file is missing or is not valid YAML.',
    remedy:
      'Check the path and the file’s indentation; the presets in configs/ of @reclmis/lab are complete examples.',
    exitCode: 2,
  },
  LAUNCH_INVALID: {
    meaning:
      'The environment variables with which a launcher identifies each process of a distributed run are incomplete or contradictory.',
    remedy:
      'Set all variables of the launcher (torchrun, Slurm or Kubeflow Trainer), or unset them to train with one process.',
    exitCode: 2,
  },
  REQUEST_INVALID: {
    meaning: 'A request to the server is malformed, incomplete or not in the form that the route expects.',
    remedy: 'Compare the request with the API description at /openapi.json.',
    exitCode: 2,
  },
  REQUEST_TOO_LARGE: {
    meaning: 'A request to the server exceeds the size limit.',
    remedy: 'Send a smaller image, or start the server with a higher --max-bytes.',
    exitCode: 2,
  },
  REQUEST_UNSUPPORTED: {
    meaning: 'A request to the server has a body type that the route does not accept.',
    remedy: 'Send multipart/form-data to /segment, or JSON or binary tensors to /v2, without compression.',
    exitCode: 2,
  },
  ACCEPT_UNSUPPORTED: {
    meaning: 'A request to the server wants an answer of a type that the route does not give.',
    remedy: 'Leave out Accept, or name one of the types that /openapi.json lists for the route.',
    exitCode: 2,
  },
  REQUEST_SLOW: {
    meaning: 'A request to the server did not arrive in time.',
    remedy: 'Send it again over a faster connection, or start the server with a longer --body-timeout.',
    exitCode: 2,
  },
  ROUTE_UNKNOWN: {
    meaning: 'The server has no such route, model or version.',
    remedy: 'Compare the path and method with the API description at /openapi.json.',
    exitCode: 2,
  },
  METHOD_UNKNOWN: {
    meaning: 'The route exists but does not accept this HTTP method.',
    remedy: 'Use one of the methods listed in the response’s Allow header.',
    exitCode: 2,
  },
  HOST_REFUSED: {
    meaning:
      'A request to a server without a token names a host that is not the server’s own, as in a DNS rebinding attack.',
    remedy:
      'Use http://localhost, or start the server with --allow-host NAME for each further name it goes by, or with --token-file.',
    exitCode: 2,
  },
  ORIGIN_REFUSED: {
    meaning: 'A web page from another origin sent a request to a server without a token.',
    remedy: 'Start the server with --cors ORIGIN for each origin that may call it, or with --token-file.',
    exitCode: 2,
  },
  TOKEN_INVALID: {
    meaning: 'A request to the server has no token or the wrong one.',
    remedy: 'Send the header Authorization: Bearer TOKEN with the token from the server’s --token-file.',
    exitCode: 2,
  },
  PACS_REFUSED: {
    meaning:
      'A PACS refused the credentials, its certificate is not trusted, or it sent the client elsewhere, where credentials must not go.',
    remedy:
      'Check the credentials and the address; NODE_EXTRA_CA_CERTS=FILE makes a hospital’s own certificate authority trusted.',
    exitCode: 2,
  },

  // 3: data
  DATA_FOLDER_MISSING: {
    meaning: 'The data set folder, or a required folder inside it, does not exist.',
    remedy:
      'Point --data at a table of cases, or at a folder in one of the layouts of docs/guide/own-data.md; `reclmis data check` says whether it fits.',
    exitCode: 3,
  },
  DATA_LAYOUT_UNCLEAR: {
    meaning: 'A data set fits several layouts, or a folder holds several tables of cases.',
    remedy: 'Say which one with --layout NAME, or point --data at the file itself.',
    exitCode: 3,
  },
  DATA_PATH_OUTSIDE: {
    meaning: 'A data set names an image or mask outside its own folder.',
    remedy:
      'Move the file below the folder and write a relative path, or allow such paths with --data.outside true.',
    exitCode: 3,
  },
  ANNOTATION_INVALID: {
    meaning: 'A COCO file is damaged, or holds an annotation that contradicts it or cannot be drawn.',
    remedy: 'Export the annotations again, or repair the entry that the message names.',
    exitCode: 3,
  },
  LABEL_UNKNOWN: {
    meaning: 'A mask or annotation has a class that the data set does not define.',
    remedy: 'Add the class to dataset.json or to the categories, or correct the mask.',
    exitCode: 3,
  },
  DATA_INVALID: {
    meaning: 'The data set check found missing, unreadable or mismatched items.',
    remedy: 'Run `reclmis data check` on the folder and repair each item that it lists.',
    exitCode: 3,
  },
  DATA_SUSPICIOUS: {
    meaning: 'The strict data set check found something that is probably a mistake.',
    remedy: 'Look at the cases that `reclmis data check` names and repair them, or omit --strict.',
    exitCode: 3,
  },
  DATA_SPLIT_EMPTY: {
    meaning: 'A split of the data set, or the selection from it, contains no cases.',
    remedy: 'Add images to the split, or extend the list of stems.',
    exitCode: 3,
  },
  IMAGE_MISSING: {
    meaning: 'The requested image file does not exist.',
    remedy: 'Check the path; it is relative to the current folder.',
    exitCode: 3,
  },
  IMAGE_UNREADABLE: {
    meaning: 'An image file is damaged or truncated, or its pixel data do not match its stated size.',
    remedy: 'Replace the file with an intact copy.',
    exitCode: 3,
  },
  IMAGE_TOO_LARGE: {
    meaning: 'An image has more pixels than the limit that protects memory.',
    remedy: 'Scale the image down or cut it into tiles; the model sees far fewer pixels anyway.',
    exitCode: 3,
  },
  SLICE_MISSING: {
    meaning: 'A table of cases names a slice or frame that its image does not have.',
    remedy: 'Correct the column slice in that row: it counts from 1.',
    exitCode: 3,
  },
  IMAGE_WINDOW_UNKNOWN: {
    meaning: 'An image has no grey level window of the number or name asked for.',
    remedy: 'Choose a window that the message lists, or state centre and width, such as -600/1500.',
    exitCode: 3,
  },
  IMAGE_UNSUPPORTED: {
    meaning: 'The image format is not supported.',
    remedy: 'Convert the file to PNG, JPEG or TIFF, 8 or 16 bit, grey or colour.',
    exitCode: 3,
  },
  SLICES_IRREGULAR: {
    meaning: 'Slices do not form the regular grid that a volume format needs.',
    remedy: 'Write a DICOM SEG, which holds the position of each slice, or resample the series first.',
    exitCode: 3,
  },
  SEG_INVALID: {
    meaning: 'A DICOM SEG contradicts itself, or does not fit the images that it is read with.',
    remedy: 'Export the SEG again, on the grid of its images and without overlapping segments.',
    exitCode: 3,
  },
  MASK_MISSING: {
    meaning: 'An image has no mask.',
    remedy: 'Add a mask to labelcol with the image’s file name, optionally prefixed with mask_.',
    exitCode: 3,
  },
  MASK_SIZE_MISMATCH: {
    meaning:
      'A mask does not fit its image: it has another size, or, as DICOM SEG or NIfTI, lies elsewhere in the patient or on another grid.',
    remedy: 'Export the mask again on the grid of its image, with its size and, for volumes, its affine.',
    exitCode: 3,
  },
  NOTES_MISSING: {
    meaning: 'A required workbook or CSV file of notes is missing.',
    remedy: 'Add a *_text.xlsx or *_text.csv file with the columns Image and Description.',
    exitCode: 3,
  },
  NOTES_EMPTY: {
    meaning: 'A workbook or CSV file of notes contains no notes.',
    remedy: 'Fill in the columns Image and Description, one row per mask.',
    exitCode: 3,
  },
  NOTES_UNREADABLE: {
    meaning: 'A file of notes is damaged, lacks the columns Image and Description, or is ambiguous.',
    remedy: 'Save the notes again as XLSX or CSV with the columns Image and Description in the first row.',
    exitCode: 3,
  },
  NOTES_CONFLICT: {
    meaning: 'Two rows, sheets or files of notes contradict each other.',
    remedy: 'Keep one note per mask and one file of notes per folder.',
    exitCode: 3,
  },
  NOTE_WITHOUT_IMAGE: {
    meaning: 'A note names an image that does not exist.',
    remedy: 'Add the image or remove the row; notes are keyed by the mask’s file name.',
    exitCode: 3,
  },
  NOTE_MISSING: {
    meaning: 'An image has no note.',
    remedy: 'Add a row to the notes, keyed by the mask’s file name, or pass --note.',
    exitCode: 3,
  },
  NOTE_EMPTY: {
    meaning: 'A note contains no words.',
    remedy: 'Write what to segment and where, for example "upper left lung".',
    exitCode: 3,
  },
  NOTE_INVALID: {
    meaning: 'A note contains control characters or bytes that are not valid UTF-8.',
    remedy: 'Send the note as plain UTF-8 text.',
    exitCode: 3,
  },
  NOTE_TOO_LONG: {
    meaning: 'A note is longer than the server’s limit.',
    remedy: 'Shorten the note; the model reads only its first words.',
    exitCode: 3,
  },
  CONFIDENCE_CASES: {
    meaning: 'There are too few validation cases to fit the predicted Dice of masks.',
    remedy:
      'Use the run without predicted Dice, or train with a larger validation split: at least 20 cases whose masks are not empty, of at least 5 patients.',
    exitCode: 3,
  },
  CONFIDENCE_DATA: {
    meaning: 'The cases given to `reclmis calibrate` are not the validation cases of the run.',
    remedy:
      'Point --data at the data set that the run was trained on, unchanged; predicted Dice is fitted on no other cases.',
    exitCode: 3,
  },
  PACS_MISSING: {
    meaning:
      'A PACS does not have what was asked for: a study, series or instance, or DICOMweb at this address.',
    remedy: 'Look for it with `reclmis pacs find`, and check that the address is the DICOMweb root.',
    exitCode: 3,
  },
  PACS_INVALID: {
    meaning: 'A PACS gave an answer that is damaged, too large or not DICOMweb.',
    remedy: 'Check that the address is the DICOMweb root, such as https://pacs.example/dicom-web.',
    exitCode: 3,
  },
  STEM_UNKNOWN: {
    meaning: 'A list of stems names a case that is not in the split.',
    remedy: 'Remove the line, or use the list with the split it was made for.',
    exitCode: 3,
  },

  // 4: runs, checkpoints and their files
  RUN_MISSING: {
    meaning: 'The run folder does not exist.',
    remedy: 'Check the path, or create a run with `reclmis train`.',
    exitCode: 4,
  },
  RUN_INVALID: {
    meaning: 'The run folder lacks a file or contains one that cannot be read as expected.',
    remedy: 'Use a folder written by `reclmis train`, or train again.',
    exitCode: 4,
  },
  RUN_BUSY: {
    meaning: 'Another process is writing to the folder.',
    remedy: 'Wait for that process or end it (a suspended one still counts), or write to another folder.',
    exitCode: 4,
  },
  CHECKPOINT_MISSING: {
    meaning: 'The run has no checkpoint of the requested kind.',
    remedy: 'Let the training finish at least one epoch.',
    exitCode: 4,
  },
  CHECKPOINT_CORRUPT: {
    meaning: 'A checkpoint is damaged or truncated.',
    remedy: 'Use the run’s other checkpoint, or train again.',
    exitCode: 4,
  },
  CHECKPOINT_MISMATCH: {
    meaning: 'A checkpoint’s keys, shapes or settings do not match the model or config.yaml.',
    remedy: 'Use the config.yaml that was saved with the checkpoint.',
    exitCode: 4,
  },
  SAFETENSORS_INVALID: {
    meaning: 'A file is not a valid safetensors file.',
    remedy: 'Download or write the file again; it may be truncated.',
    exitCode: 4,
  },
  ARCHIVE_INVALID: {
    meaning: 'A weights archive is damaged, truncated or exceeds a limit.',
    remedy: 'Download or write the file again; it may be truncated.',
    exitCode: 4,
  },
  ARCHIVE_REFUSED: {
    meaning: 'A pickle refers to something outside the allow-list, which could execute code.',
    remedy:
      'Do not load the file with other tools unless you trust its source; ask for one that contains a plain state dictionary.',
    exitCode: 4,
  },
  VOCABULARY_INVALID: {
    meaning: 'A stored vocabulary cannot be read.',
    remedy: 'Use the vocabulary that training stored with its checkpoint, unchanged.',
    exitCode: 4,
  },
  VOCABULARY_MISSING: {
    meaning: 'CLIP’s weights were given without the vocabulary that its tokeniser needs.',
    remedy:
      'Pass bpe_simple_vocab_16e6.txt.gz or tokenizer.json as --vocabulary, or put it next to the weights.',
    exitCode: 4,
  },
  WEIGHTS_MISSING: {
    meaning: 'The requested weights are not in the cache.',
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
    meaning: 'A weights file contains a different model from the one it was given for.',
    remedy:
      'Use CLIP ViT-B/32, ViT-B/16 or ViT-L/14 as published by OpenAI or Hugging Face, or a RecLMIS checkpoint for a run.',
    exitCode: 4,
  },
  INIT_MISMATCH: {
    meaning: 'A file of starting weights fits the model too little to start from.',
    remedy: 'Choose weights of the model’s own family, or leave out --init to train from scratch.',
    exitCode: 4,
  },
  WEIGHTS_UNKNOWN: {
    meaning: 'No weights are known by this id.',
    remedy: 'Use one of the ids that the message names, or pass --url and --sha256 for a file of your own.',
    exitCode: 4,
  },
  WEIGHTS_HASH_MISMATCH: {
    meaning: 'A downloaded file does not have the expected hash.',
    remedy: 'Try again or use another --url; pass --sha256 only for a file that you trust.',
    exitCode: 4,
  },
  DOWNLOAD_FAILED: {
    meaning: 'A file could not be downloaded.',
    remedy:
      'Check the network and the proxy (HTTPS_PROXY, NO_PROXY), pass a mirror as --url, or download the file elsewhere and use `reclmis weights import FILE`.',
    exitCode: 4,
  },
  PUBLISH_UNSAFE: {
    meaning: 'A model to be published holds what must stay on the machine, such as an absolute path.',
    remedy: 'Export the run again after renaming what the message shows, and publish that.',
    exitCode: 4,
  },
  HUB_MISSING: {
    meaning: 'A hub has no such repository, revision or file, or shows it only to those who may read it.',
    remedy:
      'Check the address hf:owner/name@revision/folder; for a private repository set HF_TOKEN to a token that may read it.',
    exitCode: 4,
  },
  HUB_REFUSED: {
    meaning: 'A hub does not let this user read a repository.',
    remedy: 'Accept the repository’s conditions on its page, and set HF_TOKEN to a token that may read it.',
    exitCode: 4,
  },
  HUB_FILE_DIFFERS: {
    meaning: 'A file of a hub is not the one that the model’s manifest states by its SHA-256.',
    remedy:
      'Try again, or without --hub-url and HF_ENDPOINT; if it stays, the repository is damaged: tell its owner, or use another revision.',
    exitCode: 4,
  },
  OFFLINE: {
    meaning: 'The network is switched off, and something is needed that the cache does not hold.',
    remedy:
      'Run the command once without --offline, RECLMIS_OFFLINE and HF_HUB_OFFLINE, or give a folder of this machine.',
    exitCode: 4,
  },
  MODEL_MISSING: {
    meaning: 'There is no exported model at this path or address.',
    remedy:
      'Give the folder or address that contains manifest.json; `reclmis export RUN -o DIR` creates one.',
    exitCode: 4,
  },
  MODEL_INVALID: {
    meaning: 'An exported model is damaged, incomplete or in a format that this version cannot read.',
    remedy: 'Export the run again with `reclmis export`.',
    exitCode: 4,
  },
  GOLDEN_INVALID: {
    meaning: 'A golden file is missing or not in the format that the parity check reads.',
    remedy:
      'Give the JSON file of a golden pair, such as the repository’s golden/reclmis.json, with its .safetensors file next to it.',
    exitCode: 4,
  },

  // 5: engine and device
  DISTRIBUTED_MISSING: {
    meaning: 'Training with several processes needs a backend that the libtorch addon was built without.',
    remedy: 'Install libgloo-dev (NCCL for CUDA devices) and rebuild the addon with `npm run setup`.',
    exitCode: 5,
  },
  DISTRIBUTED_FAILED: {
    meaning: 'The processes of a run could not connect, or lost contact with each other.',
    remedy:
      'Check that every process is running and that the address and port are reachable between their machines.',
    exitCode: 6,
  },
  DEVICE_MISSING: {
    meaning: 'The requested device does not exist, or the linked libtorch cannot use it.',
    remedy: 'Use --device cpu, or link a libtorch that was built for the device.',
    exitCode: 5,
  },
  DEVICE_WRONG: {
    meaning: 'The device gives results that differ from the export check; suspect the GPU driver or browser.',
    remedy: "Use device 'cpu' in Node or 'wasm' in a browser, or update the GPU driver and browser.",
    exitCode: 5,
  },
  PRECISION_UNSUPPORTED: {
    meaning: 'The device does not support the requested precision.',
    remedy: 'Use --precision fp32, or bf16, or a CUDA device for fp16.',
    exitCode: 5,
  },
  NODE_UNSUPPORTED: {
    meaning: 'This version of Node is too old, or belongs to a release line that is not tested.',
    remedy: 'Install a current Node (https://nodejs.org); in a clone, run `npm run setup` again afterwards.',
    exitCode: 5,
  },
  ADDON_MISSING: {
    meaning: 'The native addon has not been built, or was built for another Node or libtorch.',
    remedy: 'Run `reclmis setup`, in a clone `npm run setup`.',
    exitCode: 5,
  },
  ADDON_BUILD: {
    meaning: 'The native addon does not compile.',
    remedy:
      'Use libtorch 1.13 or later with its headers and a compiler of C++17, then run `reclmis setup` again.',
    exitCode: 5,
  },
  COMPILER_MISSING: {
    meaning: 'There is no C++ compiler to build the native addon with.',
    remedy:
      'Install one (on Debian and Ubuntu: `apt install g++`) or name it in CXX, then run `reclmis setup` again; with libtorch 1.13 on Linux x64, `npm install @reclmis/torch-linux-x64` works instead.',
    exitCode: 5,
  },
  LIBTORCH_MISSING: {
    meaning: 'libtorch was not found.',
    remedy:
      'Install it (on Debian and Ubuntu: `apt install libtorch-dev libgloo-dev`), or set LIBTORCH to the folder that contains its include and lib, or LIBTORCH_USE_PYTORCH=1 to use the active Python’s torch; then run `reclmis setup` again.',
    exitCode: 5,
  },
  TRAINING_MISSING: {
    meaning: 'The command needs the packages for training, which are not installed.',
    remedy: 'Run `reclmis setup`.',
    exitCode: 5,
  },
  SETUP_FAILED: {
    meaning: '`reclmis setup` could not install the packages for training.',
    remedy:
      'Look at npm’s message; if it is about permissions, run the command as the user who installed reclmis.',
    exitCode: 5,
  },
  OPERATOR_FAILED: {
    meaning: 'libtorch rejected an operation.',
    remedy: 'Compare the shapes and dtypes in the message with what the operator expects.',
    exitCode: 5,
  },
  OPERATOR_UNKNOWN: {
    meaning: 'The linked libtorch has no operator with this name and overload.',
    remedy: 'Link libtorch 1.13 or later, and run `npm run generate` if the list of operators has changed.',
    exitCode: 5,
  },
  TENSOR_DISPOSED: {
    meaning: 'A tensor was used after it was disposed.',
    remedy: 'Return the tensor from its scope, or keep() it.',
    exitCode: 5,
  },
  TENSOR_RANK: {
    meaning: 'A tensor has the wrong number of dimensions.',
    remedy: 'Reshape the tensor to the rank that the message names.',
    exitCode: 5,
  },
  TENSOR_SHAPE: {
    meaning: 'A tensor, or the data for one, has the wrong size.',
    remedy: 'Pass data of the size that the message names.',
    exitCode: 5,
  },
  TENSOR_DTYPE: {
    meaning: 'A tensor has the wrong dtype.',
    remedy: 'Convert the tensor with to({ dtype }).',
    exitCode: 5,
  },

  RUNTIME_MISSING: {
    meaning: 'onnxruntime, which runs exported models, is not installed or does not start on this machine.',
    remedy: 'Install @reclmis/onnxruntime (Node) or onnxruntime-web (browser) alongside @reclmis/runtime.',
    exitCode: 5,
  },
  SELF_TEST_FAILED: {
    meaning:
      'A check of `reclmis doctor` failed: something that is installed does not work, or something needed is missing.',
    remedy:
      'Follow the remedies that the command lists; for a bug report attach the output of `reclmis doctor --json`.',
    exitCode: 5,
  },
  INFERENCE_FAILED: {
    meaning: 'onnxruntime could not run the model.',
    remedy: 'Look at the cause in the message; if memory ran out, use a smaller batch.',
    exitCode: 5,
  },
  LISTEN_FAILED: {
    meaning: 'The server cannot listen on the address and port.',
    remedy: 'Choose another --port or --host; --port 0 picks a free port.',
    exitCode: 5,
  },

  // 6: training and checking
  LOSS_NOT_FINITE: {
    meaning: 'A loss became infinite or NaN.',
    remedy: 'Lower the learning rate, and look at the batch that the message names.',
    exitCode: 6,
  },
  LOSS_MISSING: {
    meaning: 'A loss that the configuration enables was not computed.',
    remedy: 'Report this as a bug, with the configuration.',
    exitCode: 6,
  },
  PARITY_FAILED: {
    meaning: 'The model differs from the golden file by more than the tolerance.',
    remedy: 'Find the first output in the table that differs, and compare its block with the paper.',
    exitCode: 6,
  },

  PACS_FAILED: {
    meaning: 'A PACS could not do what was asked, or stored only a part of what was sent.',
    remedy: 'Look into the log of the PACS, then run the command again.',
    exitCode: 6,
  },
  PREDICT_INCOMPLETE: {
    meaning: 'Some images could not be segmented; all others were.',
    remedy:
      'Fix what the list of failures names, and run the same command with --resume to segment only the missing ones.',
    exitCode: 6,
  },
  STUDY_INCOMPLETE: {
    meaning: 'Some runs of a study diverged or ran out of time; all others are complete and in the tables.',
    remedy:
      'Look at the runs that the message names; run the same command again to continue those that ran out of time.',
    exitCode: 6,
  },
  EXPORT_UNSUPPORTED: {
    meaning: 'The model uses an operation that cannot be translated to ONNX; nothing was written.',
    remedy: 'Report the operation that the message names.',
    exitCode: 6,
  },
  EXPORT_DIFFERS: {
    meaning: 'The exported model gives different masks from the run it came from; nothing was written.',
    remedy: 'Export with --precision fp32; if that fails too, report the figures as a bug.',
    exitCode: 6,
  },

  // 7: output
  OUTPUT_EXISTS: {
    meaning: 'The output path already exists.',
    remedy: 'Choose another path, or remove what is there.',
    exitCode: 7,
  },
  OUTPUT_UNWRITABLE: {
    meaning: 'A file or folder cannot be written.',
    remedy: 'Check the path and its permissions, or choose another path.',
    exitCode: 7,
  },
  OUTPUT_DIFFERS: {
    meaning: 'A file that was written differs when it is read back; it was not saved.',
    remedy: 'Report it with the format and the size of the image; the other formats work.',
    exitCode: 7,
  },
  DISK_FULL: {
    meaning: 'The disk is full; no partial file is left behind.',
    remedy: 'Free some space and run the command again.',
    exitCode: 7,
  },

  // 70, 75 and 130
  INTERNAL: {
    meaning: 'A bug in the program.',
    remedy: 'Report the message with the command that led to it.',
    exitCode: 70,
  },
  PREEMPTED: {
    meaning:
      'Training was stopped by SIGTERM or SIGUSR1, which schedulers send before they reclaim a machine; its state is saved.',
    remedy: 'Continue with `reclmis train --resume RUN`.',
    exitCode: 75,
  },
  RANK_LOST: {
    meaning:
      'One of the processes that train together was killed, stopped responding or hangs; the others have stopped.',
    remedy:
      'Find out what ended it (memory, machine, network), then continue with `reclmis train --resume RUN`, with any number of processes.',
    exitCode: 75,
  },
  PACS_UNREACHABLE: {
    meaning: 'A PACS could not be reached, was busy, or did not answer in time.',
    remedy: 'Check the address and the network, or try again later.',
    exitCode: 75,
  },
  SERVER_BUSY: {
    meaning: 'The server is at the limit of work it accepts.',
    remedy: 'Send the request again after the number of seconds in the Retry-After header.',
    exitCode: 75,
  },
  SERVER_STOPPING: {
    meaning: 'The server is shutting down: it finishes accepted requests and refuses new ones.',
    remedy: 'Send the request to another server, or again when this one is back.',
    exitCode: 75,
  },
  REQUEST_TIMEOUT: {
    meaning: 'The server could not finish a request within its time limit and dropped it.',
    remedy: 'Send the request again later, or start the server with a longer --timeout.',
    exitCode: 75,
  },
  INTERRUPTED: {
    meaning: 'The command was interrupted.',
    remedy: 'Run it again; files already finished are complete.',
    exitCode: 130,
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof CATALOGUE;

export const ERRORS: Readonly<Record<ErrorCode, ErrorEntry>> = CATALOGUE;

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(CATALOGUE, text);
}

export interface ReclmisErrorOptions {
  readonly cause?: unknown;
  /** A better remedy than the catalogue's. */
  readonly remedy?: string;
}

/** The error for bad input and failed operations. */
export class ReclmisError extends Error {
  override readonly name = 'ReclmisError';
  readonly code: ErrorCode;
  readonly remedy: string;

  /** @param message one line: what happened and where, with expected and actual. */
  constructor(code: ErrorCode, message: string, options: ReclmisErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy ?? ERRORS[code].remedy;
  }

  get exitCode(): ExitCode {
    return ERRORS[this.code].exitCode;
  }
}

/** Wraps errors other than `ReclmisError` as `INTERNAL`. */
export function toReclmisError(error: unknown): ReclmisError {
  if (error instanceof ReclmisError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ReclmisError('INTERNAL', message, { cause: error });
}

/** Runs `work`; errors of it begin with what they are about, such as a file's path. Others than `ReclmisError` pass. */
export function about<T>(name: string, work: () => T): T {
  const rethrow = (error: unknown): never => {
    if (!(error instanceof ReclmisError)) throw error;
    const { code, cause, remedy } = error;
    throw new ReclmisError(code, `${name}: ${error.message}`, { cause, remedy });
  };
  try {
    const result = work();
    return result instanceof Promise ? (result.catch(rethrow) as T) : result;
  } catch (error) {
    return rethrow(error);
  }
}
