"""The claims: their YAML files, and the modules that check them against a build."""
