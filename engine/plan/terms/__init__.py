"""The vocabulary of plans: kinds, usages, formats, keys, error codes, policy, and tables of rows."""
