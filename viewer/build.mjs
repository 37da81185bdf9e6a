// Puts what the pages need into dist/graphiql: the packages' own browser files and ours. Bundles nothing.

import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";

const packages = new URL("node_modules/", import.meta.url);
const ours = new URL("graphiql/", import.meta.url);
const built = new URL("dist/graphiql/", import.meta.url);

const scripts = {
  "react.js": "react/umd/react.production.min.js",
  "react-dom.js": "react-dom/umd/react-dom.production.min.js",
  "graphiql.js": "graphiql/graphiql.min.js",
  "explorer.js": "@graphiql/plugin-explorer/dist/index.umd.js",
  "graphql-sse.js": "graphql-sse/umd/graphql-sse.min.js",
};
const styles = {
  "graphiql.css": "graphiql/graphiql.min.css",
  "explorer.css": "@graphiql/plugin-explorer/dist/style.css",
};

async function convert(names, change) {
  for (const [name, source] of Object.entries(names)) {
    const text = await readFile(new URL(source, packages), "utf8");
    await writeFile(new URL(name, built), change(text));
  }
}

await rm(built, { recursive: true, force: true });
await mkdir(built, { recursive: true });

// The maps are not served: a browser's tools would report each as missing.
await convert(scripts, (text) => text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n"));

// The fonts are data: addresses, which the page's policy refuses; start.css names the system's instead.
await convert(styles, (text) => text.replace(/@font-face\s*\{[^}]*\}\s*/g, ""));

await cp(ours, built, { recursive: true });
