"""How a view becomes a document: HTML, PDF, Word. The only importer of the document libraries."""
