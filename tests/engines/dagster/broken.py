"""A code location that does not load: it leaves no run, and has to be told all the same."""

import a_module_that_nobody_installed  # noqa: F401
