/** Starts GraphiQL on the page's element, which says by its data attributes where the API is. */

import { logInPlugin } from "./log-in.js";
import { createPermit } from "./permit.js";

// No line is longer than a phone shows beside GraphiQL's buttons.
const WELCOME = `# Log in with the key,
# then run the query.
#
# In development, as
# skilled@example.com
# with the password
# Demo-2026-shares.

{
  industry(id: 1) {
    id
    tag
    name
    shares {
      id
      tag
      price
    }
  }
}
`;

const place = document.getElementById("graphiql");
const endpoint = place.dataset.endpoint;
const permit = createPermit(endpoint);

// GraphiQL's dialogs add a style element to the page; they look here for the nonce that permits it.
globalThis.__webpack_nonce__ = place.dataset.nonce;

function isSubscription({ query, operationName }) {
  const { getOperationAST, parse } = GraphiQL.GraphQL;
  try {
    return getOperationAST(parse(query), operationName)?.operation === "subscription";
  } catch {
    // The server says better what is wrong with the document.
    return false;
  }
}

async function fetcher(params, { headers = {} } = {}) {
  if (isSubscription(params)) {
    return graphqlSse
      .createClient({ url: endpoint, headers, fetchFn: permit.fetch, retryAttempts: 0 })
      .iterate(params);
  }
  const response = await permit.fetch(endpoint, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json", ...headers },
    body: JSON.stringify(params),
  });
  return response.json();
}

ReactDOM.createRoot(place).render(
  React.createElement(
    GraphiQL,
    {
      fetcher,
      plugins: [logInPlugin(permit), GraphiQLPluginExplorer.explorerPlugin()],
      defaultQuery: WELCOME,
      // On a phone the room is for the query and its answer; start.css has the same width.
      defaultEditorToolsVisibility: matchMedia("(max-width: 720px)").matches ? false : "headers",
      shouldPersistHeaders: true,
    },
    React.createElement(GraphiQL.Logo, null, "Share prices"),
  ),
);
