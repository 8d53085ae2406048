// The candidate protocol, version 1, for Node: JSON-RPC 2.0, one message per line on stdin and stdout.
// No dependencies; usable from .mjs and, by type stripping, from .ts (types in protocol.d.mts).
//
//     import { serve, InvalidParams } from ".../candidates/sdk/node/protocol.mjs";
//     serve({ name: "mine", declared: { bucket_ms: 5000, warmup_ms: 60000, lateness_ms: 3000 },
//             handlers: { ingest: ({ logs }) => ..., tick: ({ now_ms }) => ... } });

import { isUtf8 } from "node:buffer";
import { readSync, writeSync } from "node:fs";
import { format } from "node:util";

export const PROTOCOL = 1;
export const MAX_LINE_BYTES = 16 * 1024 * 1024;

const NEWLINE = 10;
const READ_BYTES = 64 * 1024;
const STACK_LINES = 5;
const TOO_LONG = Symbol("a line beyond MAX_LINE_BYTES");
const METHODS = ["ingest", "tick", "snapshot", "restore", "offer", "resolve", "reset", "stats", "shutdown"];
const OPTIONAL = ["reset", "stats", "resolve"];

/** An error with a code of its own; `data` is any JSON. */
export class RpcError extends Error {
  constructor(code, message, data) {
    super(message);
    this.name = "RpcError";
    this.code = code;
    this.data = data;
  }
}

/** The params are malformed: definite, nothing happened (-32602). */
export class InvalidParams extends RpcError {
  constructor(message, data) {
    super(-32602, message, data);
    this.name = "InvalidParams";
  }
}

/** Temporarily unable: definite, nothing happened (-32001). */
export class Unavailable extends RpcError {
  constructor(message, data) {
    super(-32001, message, data);
    this.name = "Unavailable";
  }
}

// --- the clock -----------------------------------------------------------------------------------------------------

const clock = { virtual: false, lastMs: 0 };

/** The time to reckon with, in epoch ms: the newest request's `now_ms` under a virtual clock, else the system's. */
export function nowMs() {
  return clock.virtual ? clock.lastMs : Date.now();
}

// --- writing -------------------------------------------------------------------------------------------------------

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread: a pipe that is full or empty can only be waited for here, outside the event loop. */
function pause(ms) {
  Atomics.wait(sleeper, 0, 0, ms);
}

function writeAll(bytes) {
  let done = 0;
  while (done < bytes.length) {
    try {
      done += writeSync(1, bytes, done, bytes.length - done);
    } catch (error) {
      if (error.code === "EPIPE") process.exit(0); // nobody listens any more: the same as EOF
      if (error.code !== "EAGAIN") throw error;
      pause(0.2);
    }
  }
}

function hasNonFinite(value) {
  if (typeof value === "number") return !Number.isFinite(value);
  if (value === null || typeof value !== "object") return false;
  for (const key in value) if (hasNonFinite(value[key])) return true;
  return false;
}

function finiteOrText(_key, value) {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

/** One message as JSON text. JSON.stringify alone would turn NaN and Infinity into a null that nobody could tell apart. */
export function encode(message) {
  return hasNonFinite(message) ? JSON.stringify(message, finiteOrText) : JSON.stringify(message);
}

function send(message) {
  writeAll(Buffer.from(encode(message) + "\n"));
}

/** Sends the notification `emit`. The line is out, in full, when this returns. */
export function emit(params) {
  send({ jsonrpc: "2.0", method: "emit", params });
}

/** Everything that the candidate's code prints goes to stderr: stdout carries protocol only. */
function keepStdoutForProtocol() {
  const log = (...args) => process.stderr.write(format(...args) + "\n");
  for (const level of ["log", "info", "warn", "error", "debug"]) console[level] = log;
  process.stdout.write = process.stderr.write.bind(process.stderr);
}

// --- reading -------------------------------------------------------------------------------------------------------

/** Cuts chunks into lines. A line that is too long is dropped and stands in `lines` as TOO_LONG. */
class LineSplitter {
  lines = [];
  #parts = [];
  #held = 0;
  #skipping = false;

  /** `chunk` may be overwritten once `lines` is consumed: an unfinished rest is copied. */
  push(chunk) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#finish(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start < chunk.length) this.#hold(Buffer.from(chunk.subarray(start)));
  }

  #hold(rest) {
    this.#held += rest.length;
    if (this.#held > MAX_LINE_BYTES) {
      this.#skipping = true;
      this.#parts = [];
    } else {
      this.#parts.push(rest);
    }
  }

  #finish(last) {
    const whole = this.#parts.length ? Buffer.concat([...this.#parts, last]) : last;
    const tooLong = this.#skipping || whole.length > MAX_LINE_BYTES;
    this.#parts = [];
    this.#held = 0;
    this.#skipping = false;
    this.lines.push(tooLong ? TOO_LONG : whole);
  }
}

/** Fills `buffer` from stdin and returns the bytes read; 0 is the end. */
function readSome(buffer) {
  for (;;) {
    try {
      return readSync(0, buffer, 0, buffer.length, null);
    } catch (error) {
      if (error.code === "EOF") return 0;
      if (error.code !== "EAGAIN") throw error;
      pause(0.2);
    }
  }
}

function parse(line) {
  if (line === TOO_LONG) throw new RpcError(-32700, `a line may have at most ${MAX_LINE_BYTES} bytes`);
  if (!isUtf8(line)) throw new RpcError(-32700, "the line is not valid UTF-8");
  try {
    return JSON.parse(line.toString("utf8"));
  } catch (error) {
    throw new RpcError(-32700, `the line is not JSON: ${error.message}`);
  }
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isId = (value) => typeof value === "string" || typeof value === "number";

function checkRequest(request) {
  if (!isObject(request)) throw new RpcError(-32600, "a request is a JSON object");
  if (request.jsonrpc !== "2.0") throw new RpcError(-32600, 'a request says "jsonrpc": "2.0"');
  if (!isId(request.id)) throw new RpcError(-32600, "a request needs an id that is a number or a string");
  if (typeof request.method !== "string") throw new RpcError(-32600, "a request needs a method that is a string");
  if (request.params !== undefined && !isObject(request.params)) throw new InvalidParams("params must be an object");
}

// --- serving -------------------------------------------------------------------------------------------------------

function describe(error) {
  if (error instanceof RpcError) {
    return { code: error.code, message: error.message, ...(error.data === undefined ? {} : { data: error.data }) };
  }
  const known = error instanceof Error;
  const stack = known && error.stack ? error.stack.split("\n").slice(0, STACK_LINES) : [];
  return { code: -32603, message: known ? told(error) : String(error), data: { stack } };
}

// A query builder wraps the driver's error: what went wrong is in the cause.
function told(error) {
  const cause = error.cause instanceof Error ? ` (cause: ${error.cause.message})` : "";
  return `${error.name}: ${error.message}${cause}`;
}

function sendError(id, error) {
  send({ jsonrpc: "2.0", id, error: describe(error) });
}

function capabilitiesOf(candidate) {
  const { handlers } = candidate;
  const offered = new Set(candidate.capabilities ?? []);
  for (const name of OPTIONAL) if (handlers[name]) offered.add(name);
  if (handlers.snapshot && handlers.restore) offered.add("snapshot");
  return [...offered];
}

class Server {
  #candidate;
  #methods;

  constructor(candidate) {
    this.#candidate = candidate;
    const { handlers } = candidate;
    this.#methods = new Map([
      ["initialize", (params) => this.#initialize(params)],
      ["tick", () => ({ alerts: [] })],
      ["shutdown", () => ({})],
    ]);
    // By name, not by own keys: `handlers` may be an instance of a class.
    for (const name of METHODS) if (handlers[name]) this.#methods.set(name, handlers[name].bind(handlers));
  }

  /** Answers one line. Returns a promise only if the handler did: the rest stays synchronous. */
  answer(line) {
    let request;
    try {
      request = parse(line);
      checkRequest(request);
    } catch (error) {
      sendError(isObject(request) && isId(request.id) ? request.id : null, error);
      return undefined;
    }
    let result;
    try {
      result = this.#call(request);
    } catch (error) {
      sendError(request.id, error);
      return undefined;
    }
    if (typeof result?.then === "function") return this.#later(request, result);
    this.#reply(request, result);
    return undefined;
  }

  #call(request) {
    const method = this.#methods.get(request.method);
    if (!method) throw new RpcError(-32601, `the method ${JSON.stringify(request.method)} is not supported`);
    const params = request.params ?? {};
    if (!Number.isFinite(params.now_ms)) throw new InvalidParams("now_ms must be a number");
    clock.lastMs = params.now_ms;
    return method(params);
  }

  async #later(request, promise) {
    let result;
    try {
      result = await promise;
    } catch (error) {
      sendError(request.id, error);
      return;
    }
    this.#reply(request, result);
  }

  #reply(request, result) {
    let text;
    try {
      text = encode({ jsonrpc: "2.0", id: request.id, result: result ?? {} });
    } catch (error) {
      sendError(request.id, error); // a cycle or a BigInt: the candidate's result is no JSON
      return;
    }
    writeAll(Buffer.from(text + "\n"));
    if (request.method === "shutdown") process.exit(0);
  }

  #initialize(params) {
    if (params.protocol !== PROTOCOL) throw new InvalidParams(`protocol must be ${PROTOCOL}`);
    clock.virtual = params.clock === "virtual";
    const extra = this.#candidate.handlers.initialize?.(params);
    return typeof extra?.then === "function" ? extra.then((more) => this.#identity(more)) : this.#identity(extra);
  }

  #identity(extra) {
    const { name, language = "javascript", declared = {} } = this.#candidate;
    const own = { name, language, capabilities: capabilitiesOf(this.#candidate), declared };
    // Always this process's own system clock, read last: it is the harness's probe of an injected skew.
    return { ...own, ...extra, now_ms: Date.now() };
  }
}

async function serveBlocking(server) {
  const splitter = new LineSplitter();
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  for (let n = readSome(buffer); n > 0; n = readSome(buffer)) {
    splitter.push(buffer.subarray(0, n));
    for (const line of splitter.lines) {
      const pending = server.answer(line);
      if (pending) await pending; // only then does the event loop turn
    }
    splitter.lines.length = 0;
  }
  setImmediate(() => process.exit(0)); // one turn, so that a rejection nobody handled still shows
}

function serveByEvents(server, concurrent) {
  const splitter = new LineSplitter();
  const pending = new Set();
  let previous = Promise.resolve();
  process.stdin.on("data", (chunk) => {
    splitter.push(chunk);
    for (const line of splitter.lines.splice(0)) {
      const answer = concurrent ? Promise.resolve(server.answer(line)) : previous.then(() => server.answer(line));
      previous = answer;
      pending.add(answer);
      answer.finally(() => pending.delete(answer));
    }
  });
  process.stdin.on("end", () => {
    // Work in hand may still finish, but EOF leaves at most two seconds.
    Promise.allSettled(pending).then(() => process.exit(0));
    setTimeout(() => process.exit(0), 1500);
  });
}

function dieOf(kind) {
  return (error) => {
    process.stderr.write(`${kind} outside a request: ${error instanceof Error ? error.stack : format(error)}\n`);
    process.exit(1);
  };
}

/**
 * Speaks the protocol until EOF or `shutdown`, then exits 0.
 *
 * `mode` "blocking" (default) reads and writes synchronously, which is fastest; a handler may return a promise, and only
 * while one is awaited does the event loop turn. "events" (implied by the capability `pipelining`) keeps the loop turning:
 * code with timers, sockets or promises that nobody awaits needs it. With `pipelining` requests overlap, else they queue.
 */
export function serve(candidate) {
  if (typeof candidate?.name !== "string" || !isObject(candidate.handlers)) {
    throw new TypeError("serve() expects {name: string, handlers: {method: function}}");
  }
  keepStdoutForProtocol();
  process.on("uncaughtException", dieOf("uncaught exception"));
  process.on("unhandledRejection", dieOf("unhandled rejection"));
  const server = new Server(candidate);
  const concurrent = (candidate.capabilities ?? []).includes("pipelining");
  if (concurrent || candidate.mode === "events") serveByEvents(server, concurrent);
  else void serveBlocking(server);
}
