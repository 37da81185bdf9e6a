"""What GraphQL sees: types, policies at the fields, and the words for errors."""
