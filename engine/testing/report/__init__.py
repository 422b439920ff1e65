"""The HTML report of a test run, with every golden that is wrong, new or changed."""
