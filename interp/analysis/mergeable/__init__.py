"""Statistics of blocks of rows that are merged: any order and grouping of blocks and shards gives the same."""
