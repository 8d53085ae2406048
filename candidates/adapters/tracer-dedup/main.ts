// Serves one entry of the table: `node main.ts NAME`, started in the root of a built checkout.

import { InvalidParams, emit, serve } from "../../sdk/node/protocol.mjs";
import type { Declared, Handlers, InitializeParams, OfferParams } from "../../sdk/node/protocol.mjs";
import { migrate } from "./migrations.ts";
import { startProcessor, within } from "./processor.ts";
import type { Course, Processor } from "./processor.ts";

// None of the commits states a lease, so it is the longest that the protocol knows. Retention is how long a design remembers
// an alert: for those that hold back while one is open the longest there is, for the reservations of gpt-5-codex their 8 s.
const LEASE_MS = 2_000;
const ENTRIES: Record<string, Declared> = {
  base: { lease_ms: LEASE_MS, retention_ms: 60_000 },
  "gpt-5.1-codex": { lease_ms: LEASE_MS, retention_ms: 60_000 },
  "gpt-5-codex": { lease_ms: LEASE_MS, retention_ms: 8_000 },
};

// The repository keys an alert by service and type, and its types are an enumeration: the fingerprint is the service.
const ALERT_TYPE = "error_spike";

let processor: Processor;

async function initialize({ store }: InitializeParams): Promise<void> {
  if (store?.kind !== "postgres") throw new InvalidParams("store must be a postgres");
  await migrate(process.cwd(), store.url);
  processor = await startProcessor(process.cwd(), store.url);
}

async function offer({ event_id, fingerprint, alert }: OfferParams): Promise<{ decision: "emit" | "suppress" | "update" }> {
  checkText("event_id", event_id);
  checkText("fingerprint", fingerprint);
  if (alert === null || typeof alert !== "object" || Array.isArray(alert)) throw new InvalidParams("alert must be an object");
  const { severity, message } = alert;
  const observed = { alertType: ALERT_TYPE, severity, message, service: fingerprint, resolved: false, createdAt: new Date() };
  const course: Course = {
    page: (alertId) => emit({ alert_id: String(alertId), fingerprint, event_id }),
    sent: false,
    updated: false,
  };
  await within(course, () => processor.processAlert(observed, true));
  if (course.failure) throw course.failure; // processAlert swallows it: whether anything was stored is not known
  return { decision: course.sent ? "emit" : course.updated ? "update" : "suppress" };
}

/** Nothing in the repository calls `updateResolved`; whoever closes alerts would, for every open one of the service. */
async function resolve({ fingerprint }: { fingerprint: string }): Promise<void> {
  checkText("fingerprint", fingerprint);
  const alerts = processor.alertRepository();
  for (const { id } of await alerts.getActiveAlerts(fingerprint)) await alerts.updateResolved(id, true);
}

function checkText(name: string, value: unknown): void {
  if (typeof value !== "string" || value === "") throw new InvalidParams(`${name} must be a string that is not empty`);
}

const name = process.argv[2] ?? "";
const declared = ENTRIES[name];
if (!declared) throw new Error(`expected one of ${Object.keys(ENTRIES).join(", ")}; got ${JSON.stringify(name)}`);
// Nothing sends an alert by a timer, and what is decided is decided from the store: `tick` and `reset` have nothing to do.
const handlers: Handlers = { initialize, offer, resolve, tick: () => ({}), reset: () => ({}) };
serve({ name: `tracer ${name}`, language: "typescript", capabilities: ["pipelining"], declared, handlers });
