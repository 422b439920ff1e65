"""Test files (`NAME.test.hu`): scene tests as data, for people who do not write Python."""
