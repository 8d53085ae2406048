// Serves one entry of the table: `node main.ts NAME`, started in the root of a built checkout.

import { serve } from "../../sdk/node/protocol.mjs";
import type { Declared, Handlers } from "../../sdk/node/protocol.mjs";
import { asWired, byLog, byWindow } from "./drive.ts";
import { openGate, processorClass } from "./repository.ts";
import type { Gate } from "./repository.ts";

interface Entry {
  warmupMs: number;
  handlers(gate: Gate): Handlers;
}

const MINUTE_MS = 60_000;
const KINDS = { error_spike: "error_rate" };

function statisticalDetector(): any {
  return new (processorClass("statistical-anomaly-detector", "StatisticalAnomalyDetector"))();
}

const ENTRIES: Record<string, Entry> = {
  // Its design note gives a warm-up of about 30 minutes.
  "gpt-5.1-codex-wired": { warmupMs: 30 * MINUTE_MS, handlers: (gate) => asWired(gate, KINDS) },
  "gpt-5.1-codex-windows": {
    warmupMs: 30 * MINUTE_MS,
    handlers: (gate) => {
      const detector = new (processorClass("anomaly-detector", "AnomalyDetector"))();
      return byWindow(gate, KINDS, (metrics) => detector.detectAnomalies(metrics));
    },
  },
  // Ready after five closed buckets of a minute, and the first bucket may be a partial one.
  "gpt-5-codex-wired": { warmupMs: 6 * MINUTE_MS, handlers: (gate) => asWired(gate, KINDS) },
  // A fixed threshold, as the base has it: there is nothing to learn, a window is filled.
  "threshold-wired": { warmupMs: MINUTE_MS, handlers: (gate) => asWired(gate, KINDS) },
  // Ready after ten windows, and the first may be a partial one.
  "sonnet-4.5-windows": {
    warmupMs: 11 * MINUTE_MS,
    handlers: (gate) => {
      const detector = statisticalDetector();
      return byWindow(gate, KINDS, (metrics) => detector.detectAnomalies(metrics));
    },
  },
  // Ready after 30 data points: windows in one entry, errors in the other. What exceeds a threshold is the number of
  // logs where it is fed metrics, and the error rate's change where it is fed logs.
  "kimi-k2-windows": {
    warmupMs: 30 * MINUTE_MS,
    handlers: (gate) => {
      const detector = statisticalDetector();
      const kinds = { ...KINDS, threshold_exceeded: "volume" };
      return byWindow(gate, kinds, (metrics) => detector.processMetrics(metrics));
    },
  },
  "kimi-k2-logs": {
    warmupMs: 30 * MINUTE_MS,
    handlers: (gate) => {
      const detector = statisticalDetector();
      const kinds = { ...KINDS, threshold_exceeded: "rate_of_change" };
      return byLog(gate, kinds, (log) => detector.processLog(log));
    },
  },
};

const name = process.argv[2] ?? "";
const entry = ENTRIES[name];
if (!entry) throw new Error(`expected one of ${Object.keys(ENTRIES).join(", ")}; got ${JSON.stringify(name)}`);
const declared: Declared = { bucket_ms: MINUTE_MS, warmup_ms: entry.warmupMs, lateness_ms: 3_000 };
serve({ name: `tracer ${name}`, language: "typescript", declared, handlers: entry.handlers(await openGate()) });
