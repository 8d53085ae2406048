// A build step, `node compile.mjs FOLDER...`: compiles packages of the checkout by its own tsc and its own settings, and goes on
// where tsc finds errors of types, as it writes its output all the same. Fails if there is no output.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

for (const folder of process.argv.slice(2)) {
  const { status } = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", folder], { stdio: "inherit" });
  console.log(`${folder}: tsc ended with status ${status}`);
  if (!existsSync(`${folder}/dist/index.js`)) process.exit(1);
}
