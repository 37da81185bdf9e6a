// The client `graphql-ws` as people use it. Prints one line of JSON when it is done.
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const [story, url, token] = process.argv.slice(2);
const tell = (what) => console.log(JSON.stringify(what));

function connect(options) {
  return createClient({
    url,
    webSocketImpl: WebSocket,
    connectionParams: token ? { Authorization: `Bearer ${token}` } : undefined,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 50)),
    retryAttempts: 200,
    ...options,
  });
}

async function all(client, query) {
  const results = [];
  for await (const result of client.iterate({ query })) results.push(result);
  return results;
}

const stories = {
  // A query, a subscription and an operation that cannot start, over one socket.
  async ask() {
    const client = connect();
    const query = await all(client, "{ __typename me { email } }");
    const subscription = await all(client, "subscription { counted(most: 3) }");
    const refused = await all(client, "{").catch((errors) => errors.map((error) => error.extensions.code));
    tell({ query, subscription, refused });
  },

  // What a client sees that is not let in, without trying again.
  async refused() {
    const client = connect({ retryAttempts: 0 });
    await all(client, "{ __typename }").catch(({ code, reason }) => tell({ code, reason }));
  },

  // A subscription goes on by itself when the server was away.
  async again() {
    let retried = false;
    const codes = [];
    const on = { closed: ({ code }) => codes.push(code), connected: (_socket, _payload, again) => (retried = again) };
    // By default the client gives up where nobody listens, which is so as long as the server starts.
    const client = connect({ on, shouldRetry: () => true });
    for await (const result of client.iterate({ query: "subscription { counted }" })) {
      if (result.data.counted === 1) tell({ listening: true, retried, code: codes[0] ?? null });
      if (retried) break;
    }
    process.exit();
  },

  // The token ends: the subscription is told, the client connects again by itself, and asks for a token anew.
  async renewed() {
    const seen = [];
    const client = connect({
      lazy: false,
      connectionParams: async () => ({ Authorization: `Bearer ${await logIn()}` }),
      on: {
        closed: ({ code, reason }) => seen.push({ code, reason }),
        connected: (_socket, _payload, again) => seen.push({ again }),
      },
    });
    const query = "subscription { countedForSkilled }";
    for await (const _ of client.iterate({ query })) break;
    await all(client, query).catch((errors) => seen.push(errors.map((error) => error.extensions.code)));
    for await (const result of client.iterate({ query })) {
      seen.push(result.data);
      break;
    }
    tell(seen);
    process.exit();
  },
};

async function logIn() {
  const response = await fetch(url.replace("ws:", "http:"), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      query: `mutation { permitLogIn(input: {email: "skilled@example.com", password: "Demo-2026-shares"}) {
        tokens { accessToken } } }`,
    }),
  });
  return (await response.json()).data.permitLogIn.tokens.accessToken;
}

await stories[story]();
process.exit();
