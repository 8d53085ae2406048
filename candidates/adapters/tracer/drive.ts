// Three ways to drive the repository's code, as handlers of the protocol.

import type { Alert, Handlers, IngestParams } from "../../sdk/node/protocol.mjs";
import { Timer, newAggregator, processorClass, toAlerts } from "./repository.ts";
import type { Gate, Kinds, LogEntry, Metric, TracerAlert } from "./repository.ts";

const LATE_MS = 3_000; // how long after its end a window is closed, so that sources this far apart land in it

function ingestInto(gate: Gate, observe: (log: LogEntry) => Alert[]): NonNullable<Handlers["ingest"]> {
  return ({ logs }: IngestParams) => {
    const passed = logs.map(gate).filter((log) => log !== null);
    return { accepted: passed.length, rejected: logs.length - passed.length, alerts: passed.flatMap(observe) };
  };
}

/** As apps/processor/src/index.ts does: its processLog for each log, its two timers every minute. */
export function asWired(gate: Gate, kinds: Kinds): Handlers {
  const aggregator = newAggregator();
  const detector = new (processorClass("anomaly-detector", "AnomalyDetector"))();
  const timer = new Timer();

  function processLog(log: LogEntry): Alert[] {
    const alerts: TracerAlert[] = [];
    try {
      detector.updateServiceActivity(log.service, log.timestamp);
      if (detector.observeLog) alerts.push(...detector.observeLog(log)); // one commit of the four calls it, here
      alerts.push(...detector.detectAnomalies(aggregator.processLog(log)));
    } catch (error) {
      console.error("Error processing log", error); // index.ts catches it likewise, and goes on without the log
    }
    return toAlerts(alerts, kinds);
  }

  function onTimers(): Alert[] {
    const completed = aggregator.getCompletedMetrics();
    const alerts = completed.length > 0 ? detector.detectAnomalies(completed) : [];
    return toAlerts([...alerts, ...detector.checkServiceDowntime(new Date())], kinds);
  }

  return {
    ingest: ingestInto(gate, processLog),
    tick: () => ({ alerts: timer.due() ? onTimers() : [] }),
  };
}

/** A detector that sees only closed windows, made by the repository's aggregator and closed `LATE_MS` after they end. */
export function byWindow(gate: Gate, kinds: Kinds, detect: (metrics: Metric[]) => TracerAlert[]): Handlers {
  const aggregator = newAggregator();
  const timer = new Timer(LATE_MS);
  const observe = (log: LogEntry): Alert[] => (aggregator.processLog(log), []);
  return {
    ingest: ingestInto(gate, observe),
    tick: () => ({ alerts: timer.due() ? toAlerts(detect(aggregator.getCompletedMetrics()), kinds) : [] }),
  };
}

/** A detector that sees every log as it comes. */
export function byLog(gate: Gate, kinds: Kinds, detect: (log: LogEntry) => TracerAlert[]): Handlers {
  return { ingest: ingestInto(gate, (log) => toAlerts(detect(log), kinds)) };
}
