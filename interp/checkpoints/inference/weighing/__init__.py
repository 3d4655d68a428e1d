"""Which of the candidates that do well was trained: several kinds of evidence, weighed together."""
