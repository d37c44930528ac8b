"""One file a command: flags -> checked configuration -> one call. Nothing else imports this room."""
