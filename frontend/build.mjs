// Bundles src/*.js into qareport/web/static, which is committed: who installs qareport needs no Node.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "..", "qareport", "web", "static");
const names = readdirSync(join(here, "src")).filter((name) => name.endsWith(".js")).sort();

await build({
  absWorkingDir: here,
  entryPoints: names.map((name) => join("src", name)),
  outdir: target,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
});

const { dependencies } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
const libraries = Object.keys(dependencies).sort().map((name) => {
  const about = JSON.parse(readFileSync(join(here, "node_modules", name, "package.json"), "utf8"));
  return { name, version: about.version, license: about.license };
});
const files = Object.fromEntries(
  names.map((name) => [name, createHash("sha256").update(readFileSync(join(target, name))).digest("hex")]),
);
writeFileSync(join(target, "manifest.json"), `${JSON.stringify({ libraries, files }, null, 2)}\n`);
