// What the four adapters of the tracer repository share: loading its modules out of the checkout, its own gate for
// incoming logs, its alerts in the protocol's words, and its 60 s timers in stream time. Nothing of it is copied here.

import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import type { Alert } from "../../sdk/node/protocol.mjs";

/** A log as the processor gets it. */
export interface LogEntry {
  timestamp: Date;
  level: string;
  message: string;
  service: string;
}

/** An alert as the repository's detectors return it. */
export interface TracerAlert {
  alertType: string;
  severity: Alert["severity"];
  message: string;
  service: string;
  createdAt: Date;
}

/** Opaque here: what the aggregator makes and a detector reads. */
export type Metric = object;

export interface Aggregator {
  processLog(log: LogEntry): Metric[];
  getCompletedMetrics(): Metric[];
}

/** Turns what a client sent into a log, or into null where the repository refuses it. */
export type Gate = (raw: unknown) => LogEntry | null;

const checkout = process.cwd();

// From source, the schema takes most of a start, for the library that it uses: a build step that bundles the two defines
// this variable as the file it writes. Both are paths from the root of the checkout.
const gateModule = process.env.TRACER_GATE ?? "apps/api/src/validation.ts";

/** A class of the processor, from the folder that the repository's own build writes. */
export function processorClass(file: string, name: string): new (...args: unknown[]) => any {
  return createRequire(join(checkout, "package.json"))(`./apps/processor/dist/${file}.js`)[name];
}

/** The repository's aggregator, of windows as long as its default (60 s). */
export function newAggregator(): Aggregator {
  return new (processorClass("aggregator", "MetricAggregator"))();
}

/** The schema by which the repository's API accepts a log, imported from its source or from a bundle of it. */
export async function openGate(): Promise<Gate> {
  const { logEntrySchema } = await import(pathToFileURL(join(checkout, gateModule)).href);
  return (raw) => {
    const { ts_ms: timestamp, level, message, service } = Object(raw);
    const checked = logEntrySchema.safeParse({ timestamp, level, message, service });
    return checked.success && isStorable(checked.data) ? checked.data : null;
  };
}

/** The API stores a log before the processor hears of it, and its driver writes dates by toISOString. */
function isStorable(log: LogEntry): boolean {
  try {
    return log.timestamp.toISOString() !== "";
  } catch {
    return false;
  }
}

/** The words of the protocol for alert types of the repository; those it has no word for stay as they are. */
export type Kinds = Record<string, string>;

export function toAlerts(alerts: TracerAlert[], kinds: Kinds): Alert[] {
  return alerts.map((alert) => ({
    ts_ms: alert.createdAt.getTime(),
    service: alert.service,
    kind: kinds[alert.alertType] ?? alert.alertType,
    severity: alert.severity,
    score: null, // the repository's alerts carry no number, only text
    message: alert.message,
  }));
}

const TICK_MS = 1_000;
const TICKS_A_MINUTE = 60;

/**
 * A setInterval of a minute, in stream time: the harness ticks for every second of it, and the wall clock moves along.
 * Real timers do not follow a clock that is set, so a step backwards or by more than a minute counts as one tick.
 * It counts whole ticks, lest it depend on how long this process took to start.
 */
export class Timer {
  #lastMs = Date.now();
  #ticks: number | null;
  #afterMinuteMs: number;

  /** First due after a minute; with `afterMinuteMs`, so long after the clock's next full minute. */
  constructor(afterMinuteMs?: number) {
    this.#ticks = afterMinuteMs === undefined ? 0 : null;
    this.#afterMinuteMs = afterMinuteMs ?? 0;
  }

  /** Whether this tick brings it due. */
  due(): boolean {
    const nowMs = Date.now();
    const passed = (nowMs - this.#lastMs) / TICK_MS;
    this.#lastMs = nowMs;
    if (this.#ticks === null) this.#ticks = Math.floor((nowMs - this.#afterMinuteMs) / TICK_MS) % TICKS_A_MINUTE;
    else this.#ticks += passed > 0 && passed <= TICKS_A_MINUTE ? Math.max(1, Math.round(passed)) : 1;
    if (this.#ticks < TICKS_A_MINUTE) return false;
    this.#ticks %= TICKS_A_MINUTE;
    return true;
  }
}
