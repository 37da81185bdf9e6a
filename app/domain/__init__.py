"""What the business does: plain functions over a session."""
