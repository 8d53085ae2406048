// Types of protocol.mjs. Times are integers in milliseconds since the Unix epoch and end in `_ms`.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json | undefined };

export interface Log {
  ts_ms: number;
  service: string;
  level: string;
  message?: string;
}

export interface Alert {
  ts_ms: number;
  service: string;
  kind: string;
  severity: "low" | "medium" | "high" | "critical";
  score: number | null;
  message: string;
}

export interface Declared {
  bucket_ms?: number;
  warmup_ms?: number;
  lateness_ms?: number;
  lease_ms?: number;
  retention_ms?: number;
}

export interface Params {
  now_ms: number;
}

export interface InitializeParams extends Params {
  protocol: number;
  challenge: string;
  node: { id: string; peers: string[] };
  clock: "wall" | "virtual";
  seed: number;
  config: Record<string, unknown>;
  store: { kind: "postgres" | "redis" | "sqlite"; url: string; prefix: string } | null;
}

/** What arrives is not checked: an element of `logs` may be anything at all. */
export interface IngestParams extends Params {
  logs: Log[];
}

export interface OfferParams extends Params {
  event_id: string;
  attempt: number;
  fingerprint: string;
  alert: { service: string; alert_type: string; severity: string; message: string };
}

export interface Emitted {
  alert_id: string;
  fingerprint: string;
  event_id: string;
}

export interface Identity {
  name?: string;
  language?: string;
  capabilities?: string[];
  declared?: Declared;
}

type Answer<T> = T | Promise<T>;

/** Each is called with the request's params and returns the result; `undefined` is sent as `{}`. */
export interface Handlers {
  /** What it returns overrides what was given to serve(); `now_ms` is added by the SDK. */
  initialize?(params: InitializeParams): Answer<Identity | void>;
  ingest?(params: IngestParams): Answer<{ accepted: number; rejected: number; alerts: Alert[] }>;
  /** Left out: answered with no alerts. */
  tick?(params: Params): Answer<{ alerts?: Alert[] } | void>;
  /** `snapshot` and `restore` together offer the capability `snapshot`. */
  snapshot?(params: Params): Answer<{ state: string }>;
  restore?(params: Params & { state: string }): Answer<void | object>;
  offer?(params: OfferParams): Answer<{ decision: "emit" | "suppress" | "update" }>;
  /** `resolve`, `reset` and `stats` each offer the capability of that name. */
  resolve?(params: Params & { fingerprint: string }): Answer<void | object>;
  reset?(params: Params): Answer<void | object>;
  stats?(params: Params): Answer<{ rss_bytes?: number; keys?: number }>;
  /** The reply is sent, then the process exits 0. */
  shutdown?(params: Params): Answer<void | object>;
}

export interface Candidate {
  name: string;
  /** Default "javascript". */
  language?: string;
  handlers: Handlers;
  /** In addition to those that follow from the handlers: `pipelining`, for code that serves requests concurrently. */
  capabilities?: string[];
  declared?: Declared;
  /**
   * "blocking" (default): synchronous, fastest; the event loop turns only while a handler's promise is awaited.
   * "events" (implied by `pipelining`): for code with timers, sockets, or promises that nobody awaits.
   */
  mode?: "blocking" | "events";
}

export const PROTOCOL: 1;
export const MAX_LINE_BYTES: number;

/** An error with a code of its own, answered as such when thrown by a handler. */
export class RpcError extends Error {
  constructor(code: number, message: string, data?: unknown);
  readonly code: number;
  readonly data: unknown;
}

/** The params are malformed: definite, nothing happened (-32602). */
export class InvalidParams extends RpcError {
  constructor(message: string, data?: unknown);
}

/** Temporarily unable: definite, nothing happened (-32001). */
export class Unavailable extends RpcError {
  constructor(message: string, data?: unknown);
}

/** The time to reckon with: the newest request's `now_ms` under a virtual clock, else the system's. */
export function nowMs(): number;

/** One message as JSON text; a number that is not finite becomes the text "NaN", "Infinity" or "-Infinity". */
export function encode(message: unknown): string;

/** Sends the notification `emit`. The line is out, in full, when this returns. */
export function emit(params: Emitted): void;

/** Speaks the protocol until EOF or `shutdown`, then exits 0. */
export function serve(candidate: Candidate): void;
