"""How a store made by an older version becomes one of this version: Alembic revisions, run when a store is opened.

A new table or column is a new file `versions/NNNN_what.py` with the next number as `revision` and the one before as
`down_revision`; `schema.REVISION` names the newest (a test holds both to each other and to the tables). Revisions only
go up, and never import the classes of the tables: those change, a revision does not.
"""
