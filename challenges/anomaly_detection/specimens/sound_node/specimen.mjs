// The plain detector in JavaScript, unchanged.

import { Detector, run } from "../_base.mjs";

run(new Detector(), "plain-node");
