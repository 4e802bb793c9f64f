"""From the config and its tables to what each rule is told (standard library, yaml and jsonschema only)."""
