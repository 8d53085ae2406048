// Reads JavaScript and TypeScript without running any of it: statements inside functions, and imports. Runs inside the sandbox.
//
// `node --expose-internals read_node.cjs FOLDER`: as read_python.py; what is found goes to FOLDER/node.json, by name.
// Node itself brings what is needed: acorn, and a reader of TypeScript that leaves every line where it was or says where it went.

const { readFileSync, writeFileSync } = require("node:fs");
const { SourceMap, stripTypeScriptTypes } = require("node:module");
const { join } = require("node:path");
const acorn = require("internal/deps/acorn/acorn/dist/acorn");

const CODE = /\.[cm]?[jt]s$/;
const TYPED = /\.[cm]?ts$/;
const INLINE_MAP = /\n\/\/# sourceMappingURL=data:application\/json;base64,([A-Za-z0-9+/=]+)\s*$/;
const FUNCTIONS = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);
// Statements that run no code of their own.
const SILENT = new Set(["BlockStatement", "EmptyStatement", "FunctionDeclaration", "ClassDeclaration", "TryStatement", "LabeledStatement"]);

/** Plain JavaScript, and from its line (0 is the first) and column to the line of the source. */
function untyped(path, text) {
  if (!TYPED.test(path)) return { code: text, lineOf: (line) => line };
  try {
    return { code: stripTypeScriptTypes(text, { mode: "strip" }), lineOf: (line) => line };
  } catch {
    const out = stripTypeScriptTypes(text, { mode: "transform", sourceMap: true });
    const [, encoded] = INLINE_MAP.exec(out);
    const map = new SourceMap(JSON.parse(Buffer.from(encoded, "base64").toString()));
    return { code: out, lineOf: (line, column) => map.findEntry(line, column).originalLine };
  }
}

// What is exported as a type alone is gone by then, and its export with a name that nothing has is no error here.
const Parser = acorn.Parser.extend((Base) => class extends Base { checkLocalExport() {} });

function parse(code) {
  const options = { ecmaVersion: "latest", locations: true, allowHashBang: true, allowReturnOutsideFunction: true };
  try {
    return Parser.parse(code, { ...options, sourceType: "module", allowAwaitOutsideFunction: true });
  } catch {
    return Parser.parse(code, { ...options, sourceType: "script" });
  }
}

/** Where a statement itself ends: before its body, if it has one. */
function ownEnd(node) {
  switch (node.type) {
    case "IfStatement":
      return node.test.loc.end;
    case "ForStatement":
    case "ForInStatement":
    case "ForOfStatement":
    case "WhileStatement":
      return node.body.loc.start;
    case "SwitchStatement":
      return node.discriminant.loc.end;
    case "DoWhileStatement":
      return node.loc.start;
    default:
      return node.loc.end;
  }
}

function read(path, text) {
  const { code, lineOf } = untyped(path, text);
  const lines = new Map();
  const imports = new Set();
  const at = ({ line, column }) => lineOf(line - 1, column) + 1;
  const paint = (start, end) => {
    const first = at(start);
    for (let line = first; line <= at(end); line++) lines.set(line, first);
  };
  const visit = (node, inside) => {
    if (node.source?.type === "Literal") imports.add(String(node.source.value));
    if (node.type === "CallExpression" && node.callee.name === "require" && node.arguments[0]?.type === "Literal")
      imports.add(String(node.arguments[0].value));
    if (inside && /(Statement|Declaration)$/.test(node.type) && !SILENT.has(node.type)) paint(node.loc.start, ownEnd(node));
    const body = FUNCTIONS.has(node.type) ? node.body : null;
    if (body && body.type !== "BlockStatement") paint(body.loc.start, body.loc.end);
    for (const value of Object.values(node))
      for (const child of Array.isArray(value) ? value : [value])
        if (typeof child?.type === "string" && child.loc) visit(child, inside || child === body);
  };
  visit(parse(code), false);
  return { statements: [...lines].sort(([a], [b]) => a - b), imports: [...imports].sort() };
}

const folder = process.argv[2];
const found = {};
for (const { name, path } of JSON.parse(readFileSync(join(folder, "index.json"), "utf8"))) {
  if (!CODE.test(path)) continue;
  try {
    found[name] = read(path, readFileSync(join(folder, name), "utf8"));
  } catch (error) {
    found[name] = { unread: [`module: ${error.name}`] };
  }
}
writeFileSync(join(folder, "node.json"), JSON.stringify(found));
