"""The pytest hooks for goldens, test files and the report; `engine.testing.plugin` registers them."""
