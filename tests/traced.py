"""The server of an operator who collects spans, here in the file SHARES_TEST_SPANS: `python -m tests.traced`."""

import os
import sys
from pathlib import Path

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

from app.__main__ import main as command_line

if __name__ == "__main__":
    with Path(os.environ["SHARES_TEST_SPANS"]).open("w") as spans:
        provider = TracerProvider()
        exporter = ConsoleSpanExporter(out=spans, formatter=lambda span: f"{span.to_json(indent=None)}\n")
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        trace.set_tracer_provider(provider)
        status = command_line()
    sys.exit(status)
