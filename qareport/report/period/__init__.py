"""The view of the report of a day, a week or a month: what its pages say."""
