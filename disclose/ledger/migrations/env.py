"""What alembic runs around the migrations: they share the connection and the transaction that they are given."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transactional_ddl=True)
context.run_migrations()
