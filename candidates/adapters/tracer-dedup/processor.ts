// The repository's processor as its own build left it, running in this process: apps/processor/dist/index.js with all that it
// starts by itself (repositories, pool, LISTEN connection, timers). Two of its modules are replaced before it asks for them, and
// two of its own names are handed out. Nothing of it is copied or edited on disk.

import { AsyncLocalStorage } from "node:async_hooks";
import { readFileSync } from "node:fs";
import Module from "node:module";
import { dirname, join } from "node:path";

/** An alert as the repository's processor takes it. */
export interface TracerAlert {
  alertType: string;
  severity: string;
  message: string;
  service: string;
  resolved: boolean;
  createdAt: Date | undefined;
}

export interface AlertRepository {
  insert(alert: TracerAlert): Promise<number>;
  getActiveAlerts(service: string): Promise<{ id: number }[]>;
  updateResolved(id: number, resolved: boolean): Promise<void>;
}

/** What the processor did in the course of one call of `processAlert`. */
export interface Course {
  /** Called for every page, at the moment at which the repository's handler would begin to send it. */
  page(alertId: number): void;
  sent: boolean;
  updated: boolean;
  failure?: Error;
}

export interface Processor {
  processAlert(alert: TracerAlert, checkDuplicates: boolean): Promise<void>;
  alertRepository(): AlertRepository;
}

const UPDATED = "Updated existing alert with higher severity"; // all commits log it, and only then
const STARTED = "Processor started and listening for events";
const FOOTER = "\nexports.harnessed = { processAlert, alertRepository: () => alertRepository };\n";

const courses = new AsyncLocalStorage<Course>();

/**
 * Stands in for apps/processor/src/alert-handler.ts: no batching, no channels, and of its cool-down (a minute and more) only what
 * is not the window's own affair: an alert that is sent again because its severity rose is held back there, so it is here.
 */
class AlertHandler {
  async initializeSession(): Promise<void> {}

  async sendAlert(_alert: TracerAlert, alertId: number): Promise<boolean> {
    const course = courses.getStore();
    if (!course) throw new Error("a page was sent outside any offer");
    if (course.updated) return false;
    course.sent = true;
    course.page(alertId);
    return true;
  }
}

/** Stands in for apps/processor/src/logger.ts, which writes to stdout: to stderr, and what it says of the call in hand is kept. */
class Logger {
  started: () => void = () => {};

  debug(): void {}

  info(...words: unknown[]): void {
    this.#write("info", words);
    const course = courses.getStore();
    if (course && words.includes(UPDATED)) course.updated = true;
    if (words.includes(STARTED)) this.started();
  }

  warn(...words: unknown[]): void {
    this.#write("warn", words);
  }

  error(...words: unknown[]): void {
    this.#write("error", words);
    const course = courses.getStore();
    if (course) course.failure ??= asError(words);
  }

  #write(level: string, words: unknown[]): void {
    console.error(level, ...words);
  }
}

/** `logger.error({ error, ... }, "Failed to process alert")` as one error; the driver's own words are in the cause. */
function asError(words: unknown[]): Error {
  const [fields, text] = words;
  const { error } = Object(fields);
  const causes = [error?.cause?.message, error?.message, error].filter((cause) => typeof cause === "string");
  return new Error([text ?? fields, causes[0] ?? "no reason given"].join(": ").slice(0, 500));
}

/** Runs one call; what the processor did in its course is in `course` when it has ended. */
export async function within(course: Course, work: () => Promise<void>): Promise<void> {
  await courses.run(course, work);
}

/** A package of the repository, as its build left it. */
export function packageOf(checkout: string, name: string): any {
  return Module.createRequire(join(checkout, "package.json"))(`./packages/${name}/dist/index.js`);
}

/** Starts the processor on that database and waits until it says that it has started. */
export async function startProcessor(checkout: string, databaseUrl: string): Promise<Processor> {
  process.env.DATABASE_URL = databaseUrl;
  const logger = new Logger();
  const started = new Promise<void>((resolve) => (logger.started = resolve));
  const given = { "./alert-handler": { AlertHandler }, "./logger": { logger } };
  const { harnessed } = load(join(checkout, "apps/processor/dist/index.js"), given, FOOTER);
  await started;
  return harnessed;
}

/** A CommonJS module with some of its imports given, a footer appended, and more folders to look for packages in. */
export function load(file: string, given: Record<string, object>, footer: string, more: string[] = []): any {
  const require = Module.createRequire(file);
  for (const [name, exports] of Object.entries(given)) {
    const path = require.resolve(name);
    require.cache[path] = Object.assign(new Module(path), { filename: path, loaded: true, exports });
  }
  const module: any = Object.assign(new Module(file), { filename: file });
  module.paths = [...(Module as any)._nodeModulePaths(dirname(file)), ...more];
  module._compile(readFileSync(file, "utf8") + footer, file);
  return module.exports;
}
