"""The HTML report of a test run, with every golden that failed, is new or changed."""
