/**
 * The permit that this page holds: it logs in, adds the access token to requests and renews it.
 *
 * The tokens live in this module's memory and nowhere else. Storage, a tab's own too, can be read by any script
 * that ever runs on this origin and is kept by a restored tab; a reload costs no more than another log-in.
 */

const LOG_IN = `mutation LogIn($input: PermitLogInInput!) {
  permitLogIn(input: $input) {
    tokens { accessToken accessTokenExpiresAt refreshToken }
    errors { code message }
  }
}`;

const RENEW = `mutation Renew($input: PermitRenewInput!) {
  permitRenew(input: $input) {
    tokens { accessToken accessTokenExpiresAt refreshToken }
    errors { code message }
  }
}`;

const LOG_OUT = `mutation LogOut($input: PermitLogOutInput!) {
  permitLogOut(input: $input) {
    errors { code message }
  }
}`;

/** The server's refusal, in its own words. */
export class Refusal extends Error {}

/** An empty permit for the API at this address. */
export function createPermit(endpoint) {
  const listeners = new Set();
  let held = null;
  let renewal = null;

  function hold(next) {
    held = next;
    listeners.forEach((listener) => listener());
  }

  async function mutate(mutation, field, input) {
    const response = await fetch(endpoint, {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/json" },
      body: JSON.stringify({ query: mutation, variables: { input } }),
    });
    const { data, errors } = await response.json();
    const refused = errors?.[0] ?? data?.[field]?.errors[0];
    if (refused) throw new Refusal(refused.message);
    return data[field];
  }

  async function logIn(email, password) {
    const { tokens } = await mutate(LOG_IN, "permitLogIn", { email, password });
    hold({ email, ...tokens });
  }

  async function logOut() {
    const { refreshToken } = held;
    hold(null);
    await mutate(LOG_OUT, "permitLogOut", { refreshToken });
  }

  async function renew() {
    const before = held;
    try {
      const { tokens } = await mutate(RENEW, "permitRenew", { refreshToken: before.refreshToken });
      if (held === before) hold({ ...before, ...tokens });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (held === before) hold(null);
    }
  }

  // A refresh token is good for one renewal: requests that expire together share it.
  function renewOnce() {
    renewal ??= renew().finally(() => {
      renewal = null;
    });
    return renewal;
  }

  /**
   * fetch with the access token added. If it has expired, renews it and sends the request a second time, which
   * is safe for a mutation too: the server refuses an expired token before it runs anything.
   */
  async function permittedFetch(url, init) {
    const headers = new Headers(init.headers);
    // What was typed under Headers goes before the permit that is held.
    if (!held || headers.has("Authorization")) return fetch(url, init);

    const sent = held.accessToken;
    const send = (token) => {
      headers.set("Authorization", `Bearer ${token}`);
      return fetch(url, { ...init, headers });
    };
    const response = await send(sent);
    if (response.status !== 401 || response.headers.get("Token-Expired") !== "true") return response;
    if (held?.accessToken === sent) await renewOnce();
    return held ? send(held.accessToken) : response;
  }

  return {
    fetch: permittedFetch,
    logIn,
    logOut,
    /** What is held, or null; a new object after each change. */
    current: () => held,
    /** Calls listener after each change; returns what ends that. */
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
