"""One recorded run of a network: which linear maps it calls, and what it computes from their outputs."""
