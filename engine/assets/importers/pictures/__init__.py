"""Picture files: their structure is checked before anything is decoded."""
