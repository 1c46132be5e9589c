"""How Alembic runs a migration: on the connection and in the transaction of `bot.store.migrate`."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], version_table="alembic_version")
context.run_migrations()
