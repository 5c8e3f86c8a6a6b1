"""The `pav` command: one module a command. The only place that knows all packages."""
