"""Every audit of the GraphQL over HTTP specification's own suite, against a running server."""

from pathlib import Path

from tests.node import run_client
from tests.processes import serving

AUDITS = 61


def test_every_audit_of_graphql_over_http_passes(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        results = run_client("audit.mjs", f"{server.base_url}/graphql")

    failures = {result["name"]: result["reason"] for result in results if result["reason"] is not None}
    assert failures == {}
    assert len(results) == AUDITS
