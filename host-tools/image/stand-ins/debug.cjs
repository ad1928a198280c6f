// In a board's program this takes the place of debug, by which serialport tells what it does where the environment says so.
// That one asks for a package `supports-color`, which Node looks for in all folders above: code that no image has signed.

module.exports = () => () => {};
