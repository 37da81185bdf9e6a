// Holds a server against every audit of GraphQL over HTTP. Prints [{name, reason}], the reason null if it passed.
import { auditServer } from "graphql-http";

const [url] = process.argv.slice(2);
const results = await auditServer({ url });
console.log(JSON.stringify(results.map(({ name, status, reason }) => ({ name, reason: status === "ok" ? null : reason }))));
