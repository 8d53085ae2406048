// A candidate that reads each request and answers it, and does nothing else: the noise floor of candidates under Node.

import { pathToFileURL } from "node:url";

const { serve } = await import(pathToFileURL(`${process.env.HARNESS_SDK}/node/protocol.mjs`).href);

serve({
  name: "no-op",
  declared: { bucket_ms: 1000, warmup_ms: 1000, lateness_ms: 0 },
  handlers: {
    ingest: ({ logs }) => ({ accepted: logs.length, rejected: 0, alerts: [] }),
    tick: () => ({ alerts: [] }),
    offer: () => ({ decision: "suppress" }),
  },
});
