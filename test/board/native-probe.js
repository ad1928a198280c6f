// What the board's Node runs where it is too old for the firmware: loads a native module, opens a serial line with it
// alone, and gives back each byte that comes, with its bits turned over. Plain JavaScript, as nothing else is there.
//
//   node native-probe.js MODULE.node LINE
import { read, write } from "node:fs";

const [, , path, line] = process.argv;
const READABLE = 1;
const loaded = { exports: {} };
process.dlopen(loaded, path);
const { open, Poller } = loaded.exports;

const format = { baudRate: 115_200, dataBits: 8, parity: "none", stopBits: 1 };
const noFlowControl = { rtscts: false, xon: false, xoff: false, xany: false, hupcl: false };
open(line, { ...format, ...noFlowControl, lock: true, vmin: 1, vtime: 0 }, (error, port) => {
  if (error) throw error;
  const poller = new Poller(port, (trouble) => {
    if (trouble) throw trouble;
    read(port, Buffer.alloc(256), 0, 256, null, (failed, count, bytes) => {
      if (failed) throw failed;
      write(
        port,
        bytes.subarray(0, count).map((byte) => byte ^ 0xff),
        () => poller.poll(READABLE),
      );
    });
  });
  poller.poll(READABLE);
  process.stdout.write(`${JSON.stringify({ ready: true, node: process.version, arch: process.arch })}\n`);
});
