/** The version of all packages. Generated from the package.json of each by scripts/version.mjs; do not edit. */
export const VERSION = '0.1.0';
