"""Visits GraphiQL with a browser and prints what it found, as JSON. Run by `test_graphiql.py`.

Arguments: the visit (look, phone, log_in, renew or stream), the page's address, light or dark, Chromium's path.
"""
# ruff: noqa: T201  (its output is its answer)

import json
import re
import sys
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Page, Request, sync_playwright

# Without these Chromium, as root, does not start, or asks its maker's hosts for news.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NOTE_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.effectiveDirective} ${event.blockedURI}`));
"""
QUERY_EDITOR = ".graphiql-query-editor .CodeMirror"
HEADER_EDITOR = ".graphiql-editor-tool .graphiql-editor:not(.hidden) .CodeMirror"
ANSWER = ".graphiql-response .CodeMirror"


def look(page: Page) -> dict[str, Any]:
    """Open every part and say which were seen."""
    background = "getComputedStyle(document.querySelector('.graphiql-container')).backgroundColor"
    seen: dict[str, Any] = {
        "background": page.evaluate(background),
        "editor": page.locator(QUERY_EDITOR).is_visible(),
        "headers": page.locator(HEADER_EDITOR).is_visible()
        and page.get_by_role("button", name="Headers").get_attribute("class") == "graphiql-un-styled active",
    }
    page.get_by_label("Show Documentation Explorer").click()
    page.get_by_text("Root Types").wait_for()
    types = page.locator(".graphiql-doc-explorer-root-type + .graphiql-doc-explorer-type-name")
    seen["docs"] = sorted(types.all_inner_texts())
    page.locator(".graphiql-doc-explorer-type-name", has_text="Query").first.click()
    page.locator(".graphiql-doc-explorer-field-name", has_text=re.compile("^industry$")).click()
    seen["policy"] = page.get_by_text("Policy: SKILLED_TRADERS").is_visible()
    page.get_by_label("Show GraphiQL Explorer").click()
    seen["explorer"] = page.locator(".graphiql-explorer-root").get_by_text("industry").first.is_visible()
    # The dialogs are the one part that needs the policy's nonce.
    page.get_by_label("Open settings dialog").click()
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    seen["settings"] = dialog.get_by_text("Persist headers").is_visible()
    return seen


def phone(page: Page) -> dict[str, Any]:
    """Say how the page lies in a window of a phone's width."""
    page.set_viewport_size({"width": 390, "height": 844})
    width = page.evaluate("document.documentElement.scrollWidth")
    query = page.locator(QUERY_EDITOR).bounding_box()
    answer = page.locator(ANSWER).bounding_box()
    page.get_by_label("Show Log in").click()
    field = page.locator("[name=password]").bounding_box()
    assert query is not None
    assert answer is not None
    assert field is not None
    return {
        "wider_than_window": width > 390,
        "answer_below_query": answer["y"] >= query["y"] + query["height"] and answer["width"] > 250,
        "form_within_window": field["x"] >= 0 and field["x"] + field["width"] <= 390,
    }


def log_in(page: Page) -> dict[str, Any]:
    """Log in, read with the token that is given and with one that is typed, log out and read again."""
    told: list[str] = []
    page.on("response", lambda response: told.append(response.text()) if is_mutation(response.request) else None)
    page.get_by_label("Show Log in").click()
    page.fill("[name=email]", "skilled@example.com")
    page.fill("[name=password]", "wrong")
    page.click(".log-in [type=submit]")
    seen: dict[str, Any] = {"refusal": page.locator(".log-in [role=alert]:not(:empty)").inner_text()}
    page.fill("[name=password]", "Demo-2026-shares")
    page.click(".log-in [type=submit]")
    page.get_by_role("button", name="Log out").wait_for()
    seen["answer"] = run(page, "{ industry(id: 1) { name shares { tag price } } }", until="10.2800")
    write(page, HEADER_EDITOR, '{"Authorization": "Bearer typed"}')
    seen["typed_header_wins"] = codes(run(page, "{ me { firstName } }", until="UNAUTHENTICATED"))
    write(page, HEADER_EDITOR, "")
    page.wait_for_load_state("networkidle")
    # The first answer refused; any later one gave tokens.
    given = [json.loads(text)["data"]["permitLogIn"]["tokens"] for text in told[1:]]
    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    seen["stored"] = any(token in stored for tokens in given for token in tokens.values())
    page.get_by_role("button", name="Log out").click()
    page.locator(".log-in [type=submit]").wait_for()
    page.wait_for_load_state("networkidle")
    seen["logged_out"] = codes(run(page, "{ industries { name } }", until="UNAUTHENTICATED"))
    refresh_token = given[-1]["refreshToken"]
    renewal = f'mutation {{ permitRenew(input: {{refreshToken: "{refresh_token}"}}) {{ errors {{ code }} }} }}'
    renewed = run(page, renewal, until="permitRenew")
    seen["renewal_after"] = [error["code"] for error in renewed["data"]["permitRenew"]["errors"]]
    return seen


def is_mutation(request: Request) -> bool:
    """Whether the page sent its own log-in, renewal or log-out."""
    return "mutation Log" in (request.post_data or "") or "mutation Renew" in (request.post_data or "")


def codes(answer: Any) -> list[str]:
    """The codes of an answer's errors."""
    return [error["extensions"]["code"] for error in answer["errors"]]


def renew(page: Page) -> dict[str, Any]:
    """Send three requests at once when the token has expired, then one when its permit is revoked."""
    bodies: list[str] = []
    tokens: list[str] = []

    def note(sent: Request) -> None:
        bodies.append(sent.post_data or "")
        if "authorization" in sent.headers:
            tokens.append(sent.headers["authorization"])

    page.on("request", note)
    page.evaluate(
        """async () => {
          const { createPermit } = await import("/graphiql/permit.js");
          window.permit = createPermit("/graphql");
          window.ask = () => permit.fetch("/graphql", {
            method: "POST",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify({ query: "{ industry(id: 1) { name } }" }),
          });
          window.expired = () => Date.now() > Date.parse(permit.current().accessTokenExpiresAt);
          await permit.logIn("skilled@example.com", "Demo-2026-shares");
        }"""
    )
    page.wait_for_function("() => expired()")
    seen: dict[str, Any] = {
        "answers": page.evaluate(
            "async () => (await Promise.all([ask(), ask(), ask()])).map((answer) => answer.status)"
        )
    }
    names = dict(zip(dict.fromkeys(tokens), ("first", "second"), strict=True))
    seen["tokens"] = [names[token] for token in tokens]
    seen["renewals"] = sum("permitRenew" in body for body in bodies)
    page.evaluate(
        """() => fetch("/graphql", {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({
            query: "mutation ($input: PermitLogOutInput!) { permitLogOut(input: $input) { revokedCount } }",
            variables: { input: { refreshToken: permit.current().refreshToken } },
          }),
        })"""
    )
    page.wait_for_function("() => expired()")
    seen["revoked"] = page.evaluate(
        "async () => ({ status: (await ask()).status, held: permit.current() !== null })"
    )
    return seen


def stream(page: Page) -> dict[str, Any]:
    """Subscribe and wait for the second event."""
    return {"stream": run(page, "subscription { priceTicked }", until="10.2900")}


def write(page: Page, editor: str, text: str) -> None:
    """Replace an editor's text, as typing does, but without its help in closing brackets."""
    page.locator(editor).evaluate("(element, text) => element.CodeMirror.setValue(text)", text)
    # GraphiQL takes over what is typed after a pause of a tenth of a second.
    page.wait_for_timeout(300)


def run(page: Page, query: str, *, until: str) -> Any:
    """Run a query and return the answer, once it holds a text."""
    write(page, QUERY_EDITOR, query)
    page.click(".graphiql-execute-button")
    page.wait_for_function(
        "([editor, text]) => document.querySelector(editor).CodeMirror.getValue().includes(text)",
        arg=[ANSWER, until],
    )
    return json.loads(page.locator(ANSWER).evaluate("(element) => element.CodeMirror.getValue()"))


def main(what: str, address: str, scheme: Literal["light", "dark"], chromium: str) -> None:
    """Make one visit and print what was seen, with every sign of trouble."""
    errors: list[str] = []
    elsewhere: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = browser.new_page(color_scheme=scheme, viewport={"width": 1280, "height": 800})
        page.set_default_timeout(20_000)
        page.add_init_script(NOTE_VIOLATIONS)
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "request",
            lambda request: (
                elsewhere.append(request.url) if urlsplit(request.url).netloc != urlsplit(address).netloc else None
            ),
        )
        page.goto(address)
        page.locator(QUERY_EDITOR).wait_for()
        page.wait_for_load_state("networkidle")
        visits = {"look": look, "phone": phone, "log_in": log_in, "renew": renew, "stream": stream}
        seen = visits[what](page)
        # Violations are told after the fact.
        page.wait_for_timeout(300)
        seen |= {"violations": page.evaluate("violations"), "errors": errors, "elsewhere": elsewhere}
        browser.close()
    print(json.dumps(seen))


if __name__ == "__main__":
    main(*sys.argv[1:])  # type: ignore[arg-type]  # four words from our own test
