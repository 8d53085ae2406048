// The ratio to a tiny baseline is capped, exactly at the largest that a message may state.

import { Detector, run } from "../_base.mjs";

class CappedRatio extends Detector {
  ratio(share, usual) {
    return Math.min(share / Math.max(usual, 1e-12), 10_000);
  }

  score(z, ratio) {
    return ratio;
  }
}

run(new CappedRatio(), "capped-ratio");
