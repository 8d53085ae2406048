// The plain deduplicator over Valkey, in JavaScript: one script reserves, one takes over, one command confirms. No packages.

import { createHash } from "node:crypto";
import { connect } from "node:net";

import { emit, InvalidParams, serve, Unavailable } from "../../../../candidates/sdk/node/protocol.mjs";

const LEASE_MS = 2_000;
const RETENTION_MS = 60_000;

const NOW = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000) ";
const RESERVE = `${NOW}
if redis.call('EXISTS', KEYS[2]) == 1 then return 'known' end
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 'suppress' end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
redis.call('ZADD', KEYS[3], now + ARGV[4], ARGV[1])
return 'emit'`;
const TAKE_OVER = `${NOW}
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)
for _, alert in ipairs(due) do redis.call('ZADD', KEYS[1], now + ARGV[1], alert) end
return due`;

// --- just enough of RESP: requests go out one after the other, replies come in that order ---------------------------

class Store {
  #path;
  #socket = null;
  #data = Buffer.alloc(0);
  #waiting = [];

  constructor(path) {
    this.#path = path;
  }

  #open() {
    const socket = connect(this.#path);
    this.#data = Buffer.alloc(0);
    const lost = () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      for (const { reject } of this.#waiting.splice(0)) reject(new Unavailable("the store is away"));
    };
    socket.on("error", lost).on("close", lost);
    socket.on("data", (chunk) => {
      this.#data = Buffer.concat([this.#data, chunk]);
      for (let got = read(this.#data, 0); got; got = read(this.#data, 0)) {
        this.#data = this.#data.subarray(got.end);
        const { resolve, reject } = this.#waiting.shift();
        if (got.error) reject(new Unavailable(got.error));
        else resolve(got.value);
      }
    });
    return socket;
  }

  ask(...words) {
    this.#socket ??= this.#open();
    const parts = words.map((word) => Buffer.from(String(word)));
    const lines = parts.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from("\r\n")]);
    this.#socket.write(Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...lines]));
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }
}

/** One reply from `at`: its value and where it ends; null while it is not all there. */
function read(data, at) {
  const eol = data.indexOf("\r\n", at);
  if (eol < 0) return null;
  const text = data.toString("utf8", at + 1, eol);
  const next = eol + 2;
  switch (String.fromCharCode(data[at])) {
    case "-":
      return { error: text, end: next };
    case "$": {
      const end = next + Number(text) + 2;
      if (Number(text) < 0) return { value: null, end: next };
      return data.length < end ? null : { value: data.toString("utf8", next, end - 2), end };
    }
    case "*":
      return readList(data, next, Number(text));
    default:
      return { value: text, end: next };
  }
}

function readList(data, at, count) {
  const value = [];
  for (let i = 0; i < count; i++) {
    const got = read(data, at);
    if (!got) return null;
    value.push(got.value);
    at = got.end;
  }
  return { value, end: at };
}

// --- the rules ------------------------------------------------------------------------------------------------------

class Deduplicator {
  async initialize({ store, config }) {
    if (!store) throw new InvalidParams("a store is needed: an object with kind, url and prefix");
    this.store = new Store(new URL(store.url).pathname);
    this.prefix = store.prefix;
    this.windowMs = config.window_ms;
    await this.store.ask("PING");
  }

  async offer({ fingerprint, event_id, alert }) {
    for (const [name, value] of Object.entries({ fingerprint, event_id })) {
      if (typeof value !== "string" || value === "" || value.includes("\0") || !value.isWellFormed()) {
        throw new InvalidParams(`${name} must be a text that is not empty, without NUL and lone surrogates`);
      }
    }
    if (alert === null || typeof alert !== "object" || Array.isArray(alert)) throw new InvalidParams("alert must be an object");
    const id = createHash("sha256").update(JSON.stringify([fingerprint, event_id])).digest("hex").slice(0, 24);
    const packed = JSON.stringify([id, fingerprint, event_id]);
    const keys = [`${this.prefix}window:${fingerprint}`, `${this.prefix}event:${event_id}`, `${this.prefix}unconfirmed`];
    const answer = await this.store.ask("EVAL", RESERVE, 3, ...keys, packed, this.windowMs, RETENTION_MS, LEASE_MS);
    if (answer === "emit") await this.page(packed);
    return { decision: answer === "known" ? "emit" : answer };
  }

  async tick() {
    for (const packed of await this.store.ask("EVAL", TAKE_OVER, 1, `${this.prefix}unconfirmed`, LEASE_MS)) await this.page(packed);
    return {};
  }

  async page(packed) {
    const [alert_id, fingerprint, event_id] = JSON.parse(packed);
    emit({ alert_id, fingerprint, event_id });
    await this.store.ask("ZREM", `${this.prefix}unconfirmed`, packed);
  }

  reset() {} // nothing is kept in the process
}

const declared = { lease_ms: LEASE_MS, retention_ms: RETENTION_MS };
serve({ name: "sound-node", declared, handlers: new Deduplicator() });
