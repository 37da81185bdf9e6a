"""How a request gets in and an answer gets out."""
