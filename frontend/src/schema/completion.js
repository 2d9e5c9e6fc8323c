// Completions of rule files from the product's JSON Schema: keys and fixed values, English and Chinese words.
const schemas = new Map();

async function schemaOf(kind) {
  if (!schemas.has(kind)) {
    schemas.set(kind, fetch(`/api/v1/rules/schema?kind=${kind}`).then((answer) => (answer.ok ? answer.json() : {})));
  }
  return schemas.get(kind);
}

// All schemas that a place may follow: references and choices are opened.
function open(node, root, seen = new Set()) {
  if (!node || typeof node !== "object" || seen.has(node)) return [];
  seen.add(node);
  const inner = [...(node.anyOf ?? []), ...(node.oneOf ?? [])].flatMap((part) => open(part, root, seen));
  if (node.$ref) inner.push(...open(root.$defs?.[node.$ref.split("/").pop()], root, seen));
  return [node, ...inner];
}

function step(nodes, key, root) {
  return nodes.flatMap((node) => {
    const next = key === "-" ? [node.items, ...(node.prefixItems ?? [])]
      : [node.properties?.[key] ?? (typeof node.additionalProperties === "object" ? node.additionalProperties : null)];
    return next.flatMap((part) => open(part, root));
  });
}

// The keys above a line, from the outermost, found by indentation; "-" for an item of a list.
function pathAt(doc, number, column) {
  const path = [];
  let limit = column;
  for (let place = number - 1; place > 0 && limit > 0; place -= 1) {
    const match = /^(\s*)((?:- +)*)([^\s#'"[{][^:#]*?)\s*:(?:\s|$)/.exec(doc.line(place).text);
    if (!match) continue;
    const dashes = match[2].length;
    const keyColumn = match[1].length + dashes;
    if (keyColumn < limit) {
      path.unshift(match[3]);
      limit = keyColumn;
    }
    if (dashes && match[1].length < limit) {
      path.unshift("-");
      limit = match[1].length;
    } else if (dashes && keyColumn === limit && path[0] !== "-") {
      path.unshift("-");
      limit = match[1].length;
    }
  }
  return path;
}

// Keys with the same schema are the same word in two languages.
function keysOf(nodes) {
  const found = new Map();
  for (const node of nodes) for (const key of Object.keys(node.properties ?? {})) found.set(key, key);
  return [...found.keys()].map((key) => ({ label: key, type: "property", apply: `${key}: ` }));
}

function valuesOf(nodes) {
  const found = new Set(nodes.flatMap((node) => [...(node.enum ?? []), ...(node.const ? [node.const] : [])]));
  return [...found].map((value) => ({ label: String(value), type: "enum" }));
}

export async function complete(context, kind) {
  const line = context.state.doc.lineAt(context.pos);
  const before = line.text.slice(0, context.pos - line.from);
  if (/^\s*#/.test(before)) return null;
  const root = await schemaOf(kind);
  const value = /^(\s*)((?:- +)*)([^\s#'"[{][^:#]*?)\s*:\s+\[?(?:[^\]]*,\s*)?([^\s,[\]]*)$/.exec(before);
  if (value) {
    const keyColumn = value[1].length + value[2].length;
    const path = [...pathAt(context.state.doc, line.number, value[2] ? value[1].length : keyColumn), ...(value[2] ? ["-"] : []), value[3]];
    const nodes = path.reduce((now, key) => step(now, key, root), open(root, root));
    const options = valuesOf([...nodes, ...step(nodes, "-", root)]);
    return options.length && (context.explicit || value[4]) ? { from: context.pos - value[4].length, options } : null;
  }
  const key = /^(\s*)((?:- +)*)([^\s:#'"[{][^:#]*)?$/.exec(before);
  if (!key || !(context.explicit || key[3])) return null;
  const column = key[1].length + key[2].length;
  const path = [...pathAt(context.state.doc, line.number, key[2] ? key[1].length : column), ...(key[2] ? ["-"] : [])];
  const nodes = path.reduce((now, part) => step(now, part, root), open(root, root));
  const options = keysOf(nodes);
  return options.length ? { from: context.pos - (key[3] ?? "").length, options, validFor: /^[\w\u4e00-\u9fff _-]*$/ } : null;
}
