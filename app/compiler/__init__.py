"""From a selection to one statement; pure, it takes no connection."""
