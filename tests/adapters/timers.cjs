// Loaded before a processor's own entry point (node --require): its timers of a minute run when a line comes on stdin, in the
// order in which they were set, since a test cannot wait for minutes and real timers do not follow a clock that is moved.
const MINUTE_MS = 60_000;
const real = globalThis.setInterval;
const held = [];
globalThis.setInterval = (work, ms, ...more) => {
  if (ms < MINUTE_MS) return real(work, ms, ...more);
  held.push(() => work(...more));
  return real(() => {}, 2 ** 30);
};
process.stdin.on("data", (bytes) => {
  for (let line = bytes.indexOf(10); line >= 0; line = bytes.indexOf(10, line + 1)) for (const work of held) work();
});
