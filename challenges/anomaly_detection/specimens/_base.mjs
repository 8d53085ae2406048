// The plain good detector of _base.py, in JavaScript: the specimens for Node differ from it by one small change each.

import { serve } from "../../../candidates/sdk/node/protocol.mjs";

const ERROR_LEVELS = new Set(["error", "fatal"]);
const AHEAD_MS = 60_000; // a log further ahead of now_ms than this is not believed
const MOST_RATIO = 1_000;

export class Detector {
  bucketMs = 5_000;
  latenessMs = 3_000;
  warmupBuckets = 12;
  thresholdZ = 6;
  leastErrors = 10;
  alpha = 0.05;
  leastShare = 0.001; // a baseline below this is taken as this: no division by zero, no astronomical z
  relearnBuckets = 120; // a shift that lasts this long is the new normal
  repeatMs = 10_000;

  constructor() {
    this.open = new Map(); // bucket -> service -> {total, errors}
    this.baselines = this.newTable();
    this.newestMs = -1;
    this.firstOpen = 0;
  }

  // What is kept per service lies in a table with get, set and entries.
  newTable() {
    return new Map();
  }

  ingest({ logs, now_ms }) {
    const alerts = [];
    let accepted = 0;
    for (const log of logs) if (this.take(log, now_ms, alerts)) accepted += 1;
    return { accepted, rejected: logs.length - accepted, alerts };
  }

  tick({ now_ms }) {
    const alerts = [];
    this.advance(now_ms, alerts);
    return { alerts };
  }

  take(log, nowMs, alerts) {
    if (!this.usable(log, nowMs)) return false;
    const bucket = Math.floor(log.ts_ms / this.bucketMs);
    if (bucket < this.firstOpen) return false;
    this.count(bucket, log.service, ERROR_LEVELS.has(log.level.toLowerCase()));
    if (log.ts_ms > this.newestMs) {
      this.newestMs = log.ts_ms;
      this.advance(log.ts_ms, alerts);
    }
    return true;
  }

  usable(log, nowMs) {
    if (log === null || typeof log !== "object" || Array.isArray(log)) return false;
    if (typeof log.service !== "string" || log.service === "" || typeof log.level !== "string") return false;
    return typeof log.ts_ms === "number" && log.ts_ms >= 0 && log.ts_ms <= nowMs + AHEAD_MS;
  }

  count(bucket, service, error) {
    let services = this.open.get(bucket);
    if (!services) this.open.set(bucket, (services = this.newTable()));
    let counts = services.get(service);
    if (!counts) services.set(service, (counts = { total: 0, errors: 0 }));
    counts.total += 1;
    if (error) counts.errors += 1;
  }

  advance(toMs, alerts) {
    const due = Math.floor((toMs - this.latenessMs) / this.bucketMs);
    if (due <= this.firstOpen) return;
    this.firstOpen = due;
    const buckets = [...this.open.keys()].filter((bucket) => bucket < due).sort((a, b) => a - b);
    for (const bucket of buckets) {
      const services = [...this.open.get(bucket).entries()].sort(([a], [b]) => (a < b ? -1 : 1));
      this.open.delete(bucket);
      for (const [service, counts] of services) this.close(service, (bucket + 1) * this.bucketMs, counts, alerts);
    }
  }

  close(service, endMs, { total, errors }, alerts) {
    let baseline = this.baselines.get(service);
    if (!baseline) this.baselines.set(service, (baseline = { share: 0, seen: 0, held: 0, alertedMs: -Infinity }));
    const share = errors / total;
    const z = this.z(baseline, share, total);
    const anomalous = baseline.seen >= this.warmupBuckets && errors >= this.leastErrors && z >= this.thresholdZ;
    baseline.held = anomalous ? baseline.held + 1 : 0;
    if (anomalous) this.alert(baseline, service, endMs, share, z, alerts);
    this.learn(baseline, share);
  }

  z(baseline, share, total) {
    const usual = Math.min(Math.max(baseline.share, this.leastShare), 1 - this.leastShare);
    return (share - usual) / Math.sqrt((usual * (1 - usual)) / total);
  }

  learn(baseline, share) {
    if (baseline.held > 0 && baseline.held < this.relearnBuckets) return;
    baseline.seen += 1;
    baseline.share += (share - baseline.share) * Math.max(this.alpha, 1 / baseline.seen);
  }

  alert(baseline, service, tsMs, share, z, alerts) {
    if (tsMs - baseline.alertedMs < this.repeatMs) return;
    baseline.alertedMs = tsMs;
    const ratio = this.ratio(share, baseline.share);
    const usual = (baseline.share * 100).toFixed(2);
    alerts.push({
      ts_ms: tsMs,
      service,
      kind: "error_rate",
      severity: share >= 0.5 ? "critical" : z >= 2 * this.thresholdZ ? "high" : "medium",
      score: this.score(z, ratio),
      message: `${(share * 100).toFixed(2)}% errors, usually ${usual}% (${ratio.toFixed(1)}x)`,
    });
  }

  ratio(share, usual) {
    return Math.min(share / Math.max(usual, this.leastShare), MOST_RATIO);
  }

  score(z) {
    return Math.min(z, 1_000);
  }
}

export function run(detector, name) {
  const declared = {
    bucket_ms: detector.bucketMs,
    warmup_ms: detector.bucketMs * detector.warmupBuckets,
    lateness_ms: detector.latenessMs,
  };
  serve({ name, declared, handlers: detector });
}
