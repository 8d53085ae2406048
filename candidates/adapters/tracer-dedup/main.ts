// Serves one entry of the table: `node main.ts NAME`, started in the root of a built checkout.

import { InvalidParams, emit, serve } from "../../sdk/node/protocol.mjs";
import type { Declared, Handlers, InitializeParams, OfferParams } from "../../sdk/node/protocol.mjs";
import { asWired, kimiStarted, sonnetModule } from "./drive.ts";
import type { Decision, Design, Open } from "./drive.ts";
import { migrate } from "./migrations.ts";
import type { Extra } from "./migrations.ts";

interface Entry {
  open: Open;
  /** How long the design remembers an alert. Those that hold back while one is open: the longest that the protocol knows. */
  retentionMs: number;
  extra?: Extra;
}

const LEASE_MS = 2_000; // none of the commits states one: the longest that the protocol knows
const WHILE_OPEN_MS = 60_000;

const ENTRIES: Record<string, Entry> = {
  "base": { open: asWired, retentionMs: WHILE_OPEN_MS },
  "gpt-5.1-codex": { open: asWired, retentionMs: WHILE_OPEN_MS },
  "gpt-5-codex": { open: asWired, retentionMs: 8_000 }, // its reservations last 8 s
  "sonnet-4.5": { open: asWired, retentionMs: WHILE_OPEN_MS },
  "sonnet-4.5-module": {
    open: sonnetModule,
    retentionMs: 11_000, // it looks back 5 s and twice the skew
    extra: { path: "packages/db/migrations/add_alert_deduplication_constraints.sql", encoding: "utf8" },
  },
  "kimi-k2": { open: asWired, retentionMs: 5_000 }, // a bucket of its is 5 s long
  "kimi-k2-mended": {
    open: kimiStarted,
    retentionMs: 5_000,
    extra: { path: "packages/db/src/migrations/001_add_deduplication.sql", encoding: "utf16le" },
  },
};

// The repository keys an alert by service and type, and its types are an enumeration: the fingerprint is the service.
const ALERT_TYPE = "error_spike";

function handlersOf({ open, extra }: Entry): Handlers {
  let design: Design;
  return {
    async initialize({ store }: InitializeParams): Promise<void> {
      if (store?.kind !== "postgres") throw new InvalidParams("store must be a postgres");
      await migrate(process.cwd(), store.url, extra);
      design = await open(process.cwd(), store.url);
    },
    async offer({ event_id, fingerprint, alert }: OfferParams): Promise<{ decision: Decision }> {
      checkText("event_id", event_id);
      checkText("fingerprint", fingerprint);
      if (alert === null || typeof alert !== "object" || Array.isArray(alert)) throw new InvalidParams("alert must be an object");
      const { severity, message } = alert;
      const seen = { alertType: ALERT_TYPE, severity, message, service: fingerprint, resolved: false, createdAt: new Date() };
      const page = (alertId: number) => emit({ alert_id: String(alertId), fingerprint, event_id });
      return { decision: await design.offer(seen, page) };
    },
    async resolve({ fingerprint }): Promise<void> {
      checkText("fingerprint", fingerprint);
      await design.resolve(fingerprint);
    },
    tick: () => ({}), // no commit sends an alert by a timer
    reset: () => design.reset(),
  };
}

function checkText(name: string, value: unknown): void {
  if (typeof value !== "string" || value === "") throw new InvalidParams(`${name} must be a string that is not empty`);
}

const name = process.argv[2] ?? "";
const entry = ENTRIES[name];
if (!entry) throw new Error(`expected one of ${Object.keys(ENTRIES).join(", ")}; got ${JSON.stringify(name)}`);
const declared: Declared = { lease_ms: LEASE_MS, retention_ms: entry.retentionMs };
serve({ name: `tracer ${name}`, language: "typescript", capabilities: ["pipelining"], declared, handlers: handlersOf(entry) });
