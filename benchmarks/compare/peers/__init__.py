"""The servers that ours is measured beside. All answer the operations of `benchmarks.compare.cases` alike."""
