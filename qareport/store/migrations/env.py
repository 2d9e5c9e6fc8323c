"""Alembic's entry: runs the revisions that a store lacks on the connection that `store.connection` hands over.

A new table or column is a new file `versions/NNNN_what.py` with the next number as `revision` and the one before as
`down_revision`; `schema.REVISION` names the newest (a test holds both to each other and to the tables). Revisions only
go up, and never import the classes of the tables: those change, a revision does not. A new store is made without them,
by `store.creation`, in the same form.
"""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
