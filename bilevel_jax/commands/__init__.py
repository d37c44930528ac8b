"""One file a command: flags -> checked configuration -> one call. Only experiments/ and tests import this room."""
