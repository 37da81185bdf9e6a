// The client `graphql-sse` in its distinct connections mode. Prints one line of JSON when it is done.
import { createClient } from "graphql-sse";

const [story, url, token] = process.argv.slice(2);
const tell = (what) => console.log(JSON.stringify(what));
let retried = false;
const client = createClient({
  url,
  headers: token ? { Authorization: `Bearer ${token}` } : {},
  retry: () => new Promise((resolve) => setTimeout(resolve, 50)),
  retryAttempts: story === "refused" ? 0 : 200,
  on: { connecting: (again) => (retried = again) },
});

async function all(query) {
  const results = [];
  for await (const result of client.iterate({ query })) results.push(result);
  return results;
}

const stories = {
  async ask() {
    const query = await all("{ __typename me { email } }");
    const subscription = await all("subscription { counted(most: 3) }");
    const refused = (await all("{"))[0].errors.map((error) => error.extensions.code);
    tell({ query, subscription, refused });
  },

  async refused() {
    await all("{ __typename }").catch(({ response }) => tell({ status: response.status }));
  },

  // A subscription goes on by itself when the server was away.
  async again() {
    for await (const result of client.iterate({ query: "subscription { counted }" })) {
      if (result.data.counted === 1) tell({ listening: true, retried });
      if (retried) break;
    }
  },
};

await stories[story]();
process.exit();
