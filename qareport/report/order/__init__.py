"""The view of an order's report: what its pages say."""
