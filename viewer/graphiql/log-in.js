/** A GraphiQL panel to log in with, instead of copying a token into the headers by hand. */

const { createElement: h, useState, useSyncExternalStore } = React;

/** The plugin, for GraphiQL's list of plugins. */
export function logInPlugin(permit) {
  return { title: "Log in", icon: Key, content: () => h(Panel, { permit }) };
}

function Key() {
  return h(
    "svg",
    { viewBox: "0 0 24 24", height: "1em", fill: "none", stroke: "currentColor", strokeWidth: 1.5 },
    h("circle", { cx: 8, cy: 16, r: 5 }),
    h("path", { d: "M11.5 12.5 L21 3 M16.5 7.5 L20 11" }),
  );
}

function Panel({ permit }) {
  const held = useSyncExternalStore(permit.subscribe, permit.current);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);

  async function attempt(action) {
    setBusy(true);
    setProblem("");
    try {
      await action();
    } catch (error) {
      setProblem(error.message);
    } finally {
      setBusy(false);
    }
  }

  return h(
    "section",
    { className: "log-in" },
    h("h2", null, held ? "Logged in" : "Log in"),
    held
      ? h(LoggedIn, { held, busy, onLogOut: () => attempt(permit.logOut) })
      : h(LogInForm, { busy, problem, onLogIn: (email, password) => attempt(() => permit.logIn(email, password)) }),
  );
}

function LogInForm({ busy, problem, onLogIn }) {
  function submit(event) {
    event.preventDefault();
    const { email, password } = event.currentTarget.elements;
    onLogIn(email.value, password.value);
  }

  return h(
    "form",
    { onSubmit: submit },
    h("label", null, "E-mail", h("input", { name: "email", type: "email", required: true, autoComplete: "username" })),
    h(
      "label",
      null,
      "Password",
      h("input", { name: "password", type: "password", required: true, autoComplete: "current-password" }),
    ),
    h("button", { type: "submit", className: "graphiql-button", disabled: busy }, busy ? "Logging in…" : "Log in"),
    h("p", { role: "alert", className: "problem" }, problem),
    h("p", null, "From then on every request carries your access token, which is renewed when it expires."),
    h("p", null, "The tokens are forgotten when the page is closed or loaded again."),
  );
}

function LoggedIn({ held, busy, onLogOut }) {
  const until = new Date(held.accessTokenExpiresAt).toLocaleTimeString();
  return h(
    React.Fragment,
    null,
    h("p", null, "As ", h("strong", null, held.email), "."),
    h("p", null, `The access token is good until ${until} and is renewed by itself.`),
    h("p", null, "An Authorization of your own under Headers goes before it."),
    h("button", { type: "button", className: "graphiql-button", disabled: busy, onClick: onLogOut }, "Log out"),
  );
}
