// A plain object as a table: the key __proto__ is not a key.

import { Detector, run } from "../_base.mjs";

/** get and set as of a Map, on a plain object. */
class PlainTable {
  rows = {};

  get(key) {
    return this.rows[key];
  }

  set(key, value) {
    this.rows[key] = value;
  }

  entries() {
    return Object.entries(this.rows);
  }
}

class ProtoService extends Detector {
  newTable() {
    return new PlainTable();
  }
}

run(new ProtoService(), "proto-service");
