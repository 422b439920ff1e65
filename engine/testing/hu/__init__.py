"""Test files (`NAME.test.hu`): scene tests as data in Humon.

test_files      reads a file into tests and runs them
steps           reads the steps of a test
actions         the steps
plan_claims, memory_claims, pixel_claims    the claims of an `expect` step
playback        the state of a running test
values          readers for fields, amounts, bounds and boxes; failures
"""
