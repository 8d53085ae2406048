// The repository's schema, by its own migrations (packages/db/src/migrations) and its own migrator, as `drizzle-kit migrate` does.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const ONE_AT_A_TIME = "6823109551"; // any number: the key of an advisory lock that no commit takes

/** A file of SQL that the commit brings beside its migrations, and that the repository's journal does not name. */
export interface Extra {
  path: string;
  encoding: "utf8" | "utf16le";
}

/** Brings the database to the commit's schema. Several processes may come at once: the first does it, the others wait. */
export async function migrate(checkout: string, databaseUrl: string, extra?: Extra): Promise<void> {
  const require = createRequire(join(checkout, "packages/db/package.json"));
  const { Client } = require("pg");
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("SELECT pg_advisory_lock($1)", [ONE_AT_A_TIME]);
    // Asked of the table itself: the migrator's own list of what it ran goes when the store is emptied.
    const { rows } = await client.query("SELECT to_regclass('public.alerts') IS NOT NULL AS there");
    if (rows[0].there) return;
    await migrateOn(client, require, join(checkout, "packages/db/src/migrations"));
    if (extra) await client.query(readFileSync(join(checkout, extra.path), extra.encoding).replace(/^\uFEFF/, ""));
  } finally {
    await client.end(); // and with it the lock
  }
}

/** All of them in one transaction, in the order of the repository's journal. */
async function migrateOn(client: unknown, require: NodeJS.Require, migrationsFolder: string): Promise<void> {
  const { drizzle } = require("drizzle-orm/node-postgres");
  const migrator = require("drizzle-orm/node-postgres/migrator");
  await migrator.migrate(drizzle(client), { migrationsFolder });
}
