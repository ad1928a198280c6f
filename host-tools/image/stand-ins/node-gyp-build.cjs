// In a board's program this takes the place of node-gyp-build, by which serialport looks for its native module. That one
// chooses by tags in file names, environment variables and what it takes the system for: it finds no musl build on OpenWrt, and
// takes one from beside the Node that runs. A slot has one native module, at a place that its signed manifest names.

/** esbuild puts the place in, seen from the program. */
module.exports = () => require(NATIVE_MODULE.replace("ARCH", process.arch));
