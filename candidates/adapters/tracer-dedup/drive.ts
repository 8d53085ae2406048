// Two ways to drive the repository's code: the processor as it is wired, and a module that nothing calls.

import { createRequire } from "node:module";
import { join } from "node:path";

import { load, packageOf, startProcessor, within } from "./processor.ts";
import type { AlertRepository, Course, TracerAlert } from "./processor.ts";

export type Decision = "emit" | "suppress" | "update";

export interface Design {
  /** Throws where it is not known what became of the alert. `page` is called for each page, as it goes out. */
  offer(alert: TracerAlert, page: (alertId: number) => void): Promise<Decision>;
  resolve(service: string): Promise<void>;
  reset(): void;
}

export type Open = (checkout: string, databaseUrl: string) => Promise<Design>;

/** Nothing in the repository calls `updateResolved`; whoever closes alerts would, for every open one of the service. */
async function resolveAll(alerts: AlertRepository, service: string): Promise<void> {
  for (const { id } of await alerts.getActiveAlerts(service)) await alerts.updateResolved(id, true);
}

/** processAlert, with the check for duplicates, as processLog of apps/processor/src/index.ts calls it. */
export const asWired: Open = async (checkout, databaseUrl) => {
  const processor = await startProcessor(checkout, databaseUrl);
  return {
    async offer(alert, page) {
      const course: Course = { page, sent: false, updated: false };
      await within(course, () => processor.processAlert(alert, true));
      if (course.failure) throw course.failure; // processAlert swallows it: whether anything was stored is not known
      return course.sent ? "emit" : course.updated ? "update" : "suppress";
    },
    resolve: (service) => resolveAll(processor.alertRepository(), service),
    reset: () => {}, // what is decided is decided from the store
  };
};

/** The processor of the commit whose schema.ts uses `eq` without importing it: it is given as a global, in memory. */
export const kimiStarted: Open = async (checkout, databaseUrl) => {
  const require = createRequire(join(checkout, "packages/db/package.json"));
  Object.assign(globalThis, { eq: require("drizzle-orm").eq });
  return asWired(checkout, databaseUrl);
};

/** The AlertDeduplicator of packages/core/src/deduplication.ts, wired as the guide beside it says. */
export const sonnetModule: Open = async (checkout, databaseUrl) => {
  process.env.DATABASE_URL = databaseUrl;
  const { AlertRepository, getPool } = packageOf(checkout, "db");
  const file = join(checkout, "packages/core/dist/deduplication.js");
  const { AlertDeduplicator } = load(file, {}, "", [join(checkout, ".component/node_modules")]);
  const alerts = new AlertRepository();
  const db = { query: (sql: string, params: unknown[]) => getPool().query(sql, params) }; // a client of the pool for each query
  let deduplicator = new AlertDeduplicator();
  return {
    async offer(alert, page) {
      const { service, alertType, createdAt: timestamp } = alert;
      let alertId = 0;
      const created = await deduplicator.tryCreateAlert(db, { service, alertType, timestamp }, async () => {
        alertId = await alerts.insert({ ...alert, createdAt: undefined }); // the store's NOW(), as in the commit's own example
      });
      if (created) page(alertId);
      return created ? "emit" : "suppress";
    },
    resolve: (service) => resolveAll(alerts, service),
    reset: () => void (deduplicator = new AlertDeduplicator()),
  };
};
